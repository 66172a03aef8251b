// npm run torture -- --minutes N [--recipients N] [--seed N] [--limit N] [--cps N] [--servers N]
// Kills, cuts, stops and starves real servers, their database and their carrier for that long, and
// ends with the carrier's own books. The seed is printed before anything else happens; exit status
// 1 when any rule broke.

import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { formatReport } from "../test/torture/format-report.ts";
import { runTorture } from "../test/torture/run-torture.ts";

const MAX_SEED = 2 ** 31 - 1;
const RECIPIENTS_A_MINUTE = 2_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    recipients: { type: "string" },
    seed: { type: "string" },
    limit: { type: "string", default: "400" },
    cps: { type: "string", default: "50" },
    servers: { type: "string", default: "3" },
  },
});

const minutes = aboveZero(values.minutes);
const seed = values.seed === undefined ? randomInt(MAX_SEED) : Number(values.seed);
console.log(`seed ${seed}`);
// What is cut short takes its processes along.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const report = await runTorture({
  seed,
  minutes,
  recipients:
    values.recipients === undefined
      ? Math.ceil(minutes * RECIPIENTS_A_MINUTE)
      : aboveZero(values.recipients),
  concurrentCalls: aboveZero(values.limit),
  callsPerSecond: aboveZero(values.cps),
  servers: aboveZero(values.servers),
  onProgress: (line) => console.log(`  ${line}`),
});
console.log(formatReport(report));
process.exit(report.broken.length === 0 ? 0 : 1);

function aboveZero(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${text} is not a number above 0`);
  return value;
}
