// Processes that are stopped for a while, machines that sleep, and clocks that jump.

import type { Dice } from "../../src/simulator/dice.ts";
import type { DatabaseDesk } from "./database-desk.ts";
import type { Evidence } from "./evidence.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface ProcessFaultParts {
  readonly dice: Dice;
  readonly desk: DatabaseDesk;
  readonly evidence: Evidence;
  readonly note: (what: string) => void;
}

/** Stops a process for up to a minute, alone or with its whole machine. */
export function stopProcess(parts: ProcessFaultParts, process: SimulatedProcess): void {
  const { dice, desk, evidence, note } = parts;
  const now = evidence.now();
  const until = now + dice.between(100, 60_000);
  note(`${process.name} stops for ${Math.round(until - now)} ms`);
  if (dice.chance(0.5)) process.freeze(until);
  else {
    const comparedAt = until + dice.between(0, 3_000);
    process.sleep(until, comparedAt);
    evidence.doubts.push({ from: until, to: comparedAt, byMs: now - until });
  }
  desk.cutIfStopped(process, until);
}

/** Sets a process's time by up to a minute, until it is compared with the database's. */
export function stepClock(parts: ProcessFaultParts, process: SimulatedProcess): void {
  const { dice, evidence, note } = parts;
  if (process.isFrozen) return;
  const now = evidence.now();
  const byMs = Math.round(dice.between(-60_000, 60_000));
  const comparedAt = now + dice.between(0, 6_000);
  note(`the clock of ${process.name} steps by ${byMs} ms`);
  process.step(byMs, comparedAt);
  evidence.doubts.push({ from: now, to: comparedAt, byMs });
}
