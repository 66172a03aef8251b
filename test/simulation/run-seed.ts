// One seed, as a plain value that can be printed and sent between threads.

import { drawWorld } from "./draw-world.ts";
import type { WorldConnection } from "./database-desk.ts";
import { SimulatedWorld, type Finding } from "./simulated-world.ts";
import type { Statistics } from "./statistics.ts";

export interface SeedResult {
  readonly seed: number;
  readonly finding: Finding | null;
  readonly hash: string;
  readonly statistics: Statistics;
  /** The end of the journal, when a rule was broken. */
  readonly journal: readonly string[];
}

const JOURNAL_LINES = 400;

/** An error of the simulation itself is a finding too: a seed never ends without an answer. */
export async function runSeed(connection: WorldConnection, seed: number): Promise<SeedResult> {
  const world = new SimulatedWorld(drawWorld(seed), connection);
  let { finding, hash } = { finding: null as Finding | null, hash: "none" };
  try {
    ({ finding, hash } = await world.run());
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    finding = { rule: "the world runs to its end", what, at: world.timeline.now() };
  }
  const { statistics, journal } = world;
  const lines = finding === null ? [] : journal.tail(JOURNAL_LINES);
  return { seed, finding, hash, statistics, journal: lines };
}
