// What the engine of a simulated process gets: the ports it is simulated behind, and nothing that
// talks.

import type { EngineDependencies } from "../../src/engine/engine-dependencies.ts";
import { NO_METERS } from "../../src/engine/meters.ts";
import type { Carrier } from "../../src/ports/carrier.ts";
import type { Database } from "../../src/ports/database.ts";
import type { Random } from "../../src/ports/random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export function engineDependencies(parts: {
  readonly process: SimulatedProcess;
  readonly random: Random;
  readonly database: Database;
  readonly carrier: Carrier;
}): EngineDependencies {
  const note = (_facts: object, _message: string): void => {};
  return {
    clock: parts.process.clock,
    random: parts.random,
    database: parts.database,
    carrier: parts.carrier,
    owner: parts.process.name,
    model: {
      configuration: () => ({ kind: "ready", name: "silent" }),
      reply: () => {
        throw new Error("the engine never talks");
      },
      answer: () => {
        throw new Error("the engine asks nothing");
      },
    },
    meters: NO_METERS,
    curfew: null,
    log: { info: note, warn: note, error: note },
    decryptToken: () => "token",
    prepareGreeting: (settings) => settings.welcome_message,
  };
}
