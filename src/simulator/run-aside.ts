// Work that nobody waits for. It should never fail; when it does, that is a bug of the simulator,
// and is said.

import type { SimulatorLog } from "./simulator-log.ts";

/** Lets `work` run by itself and logs what it throws. */
export function runAside(work: Promise<unknown>, log: SimulatorLog, what: string): void {
  work.catch((err: unknown) => log.error({ err, what }, "the simulator failed inside"));
}
