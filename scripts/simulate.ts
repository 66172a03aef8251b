// npm run simulate -- --seed N | --seeds N [--from N] | --minutes N
// Runs simulated worlds (test/simulation) and says how to repeat the first that broke a rule. The
// seed is printed before anything else happens.

import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { startTemporaryCluster } from "../test/support/temporary-cluster.ts";
import type { SeedResult } from "../test/simulation/run-seed.ts";
import { simulateSeeds } from "../test/simulation/simulate-seeds.ts";
import { formatStatistics, sumStatistics } from "../test/simulation/statistics.ts";

const MAX_SEED = 2 ** 31 - 1;
const MINUTE_MS = 60_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string" },
    minutes: { type: "string" },
    journal: { type: "boolean", default: false },
    "stop-at-first": { type: "boolean", default: false },
    "database-url": { type: "string" },
  },
});

const first = wholeNumber(values.seed ?? values.from) ?? randomInt(MAX_SEED);
const count =
  values.seed !== undefined
    ? 1
    : (wholeNumber(values.seeds) ?? (values.minutes === undefined ? 1 : MAX_SEED));
const minutes = wholeNumber(values.minutes);
console.log(count === 1 ? `seed ${first}` : `seeds from ${first}`);

const startedAt = performance.now();
const until = minutes === null ? Number.POSITIVE_INFINITY : startedAt + minutes * MINUTE_MS;
const results: SeedResult[] = [];
let next = first;
let isStopping = false;

const cluster =
  values["database-url"] === undefined
    ? await startTemporaryCluster()
    : { url: values["database-url"], stop: () => Promise.resolve() };
try {
  await simulateSeeds({
    clusterUrl: cluster.url,
    nextSeed: () => {
      if (isStopping || next >= first + count || performance.now() > until) return null;
      next += 1;
      return next - 1;
    },
    onResult: (result) => {
      results.push(result);
      if (result.finding === null) return;
      print(result);
      isStopping = values["stop-at-first"];
    },
  });
} finally {
  await cluster.stop();
}
const broken = results.filter((result) => result.finding !== null);
const seconds = (performance.now() - startedAt) / 1_000;
console.log(formatStatistics(sumStatistics(results.map((result) => result.statistics))));
if (count === 1) console.log(`journal ${results[0]?.hash ?? "none"}`);
console.log(
  `${results.length} seeds in ${seconds.toFixed(1)} s, ${(results.length / seconds).toFixed(2)} a second; ` +
    (broken.length === 0
      ? "every rule held"
      : `${broken.length} broke a rule: ${broken.map((result) => result.seed).join(", ")}`),
);
process.exitCode = broken.length === 0 ? 0 : 1;

function print({ seed, finding, journal }: SeedResult): void {
  if (finding === null) return;
  if (values.journal || count === 1) console.log(journal.join("\n"));
  console.log(`seed ${seed} broke "${finding.rule}": ${finding.what}`);
  console.log(`repeat it: npm run simulate -- --seed ${seed}`);
}

function wholeNumber(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${text} is not a whole number`);
  return value;
}
