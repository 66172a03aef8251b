// What the jobs of a simulated process get. Nothing was said in a simulated call, so the model is
// asked for no analysis; secrets are as good as in the clear.

import type { JobsDependencies } from "../../src/jobs/jobs-dependencies.ts";
import type { Database } from "../../src/ports/database.ts";
import type { Outbound } from "../../src/ports/outbound.ts";
import type { Random } from "../../src/ports/random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export function jobsDependencies(parts: {
  readonly process: SimulatedProcess;
  readonly random: Random;
  readonly database: Database;
  readonly outbound: Outbound;
}): JobsDependencies {
  const note = (_facts: object, _message: string): void => {};
  return {
    clock: parts.process.clock,
    random: parts.random,
    database: parts.database,
    outbound: parts.outbound,
    publicUrl: "https://carillon.example",
    model: {
      answer: () => {
        throw new Error("a call in which nobody spoke is not analysed");
      },
    },
    secretBox: {
      encrypt: (text) => new TextEncoder().encode(text),
      decrypt: (box) => new TextDecoder().decode(box),
    },
    // No simulated world lasts that long.
    retention: { conversations: 1_000, records: 1_000, deliveries: 1_000, evidence: 1_000 },
    log: { info: note, warn: note, error: note },
  };
}
