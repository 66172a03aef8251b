// What is done to everybody, and when, drawn from one seed. Kills come often and everything else in
// between; the two kinds of ambush come several times each.

import type { Random } from "../../src/ports/random.ts";

export const KILLS = [
  "kill server",
  "kill server before its request",
  "kill server before its commit",
  "kill database",
  "kill a connection's process",
  "kill carrier",
] as const;

export const DISTURBANCES = [
  "cut every connection to the database",
  "cut a server's connections to the database",
  "cut a server's connections to the carrier",
  "carrier line hangs",
  "database line hangs",
  "database slow",
  "database read-only",
  "database full",
  "no connections left",
  "stop server longer than a lease",
  "stop carrier",
  "deadlocks",
  "end server gently",
] as const;

export type FaultKind = (typeof KILLS)[number] | (typeof DISTURBANCES)[number];

export interface PlannedFault {
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Which server, where it is one. */
  readonly member: number;
  readonly durationMs: number;
}

// Kills in a minute; servers need a second or two to come back.
const KILLS_A_MINUTE = 12;
const DISTURBANCES_A_MINUTE = 4;
/** At least so many of each ambush. */
const MIN_AMBUSHES = 4;

/** How likely each kill is, out of all. */
const KILL_SHARES: Readonly<Record<(typeof KILLS)[number], number>> = {
  "kill server": 0.62,
  "kill server before its request": 0.08,
  "kill server before its commit": 0.08,
  "kill database": 0.08,
  "kill a connection's process": 0.05,
  "kill carrier": 0.09,
};

/** Longer than a call's lease, which is 10 s. */
const STOP_MS = [11_000, 15_000] as const;
const LONG_MS = [3_000, 7_000] as const;

export function drawFaults(
  random: Random,
  options: { readonly minutes: number; readonly members: number },
): readonly PlannedFault[] {
  const { minutes, members } = options;
  const kills = Math.ceil(minutes * KILLS_A_MINUTE);
  const kinds: FaultKind[] = [];
  for (const kind of KILLS) {
    const isAmbush = kind.startsWith("kill server before");
    const count = Math.round(kills * KILL_SHARES[kind]);
    for (let n = 0; n < Math.max(count, isAmbush ? MIN_AMBUSHES : 1); n += 1) kinds.push(kind);
  }
  const others = Math.ceil(minutes * DISTURBANCES_A_MINUTE);
  // Each kind in turn, so that a long torture has all of them.
  const first = Math.floor(random.fraction() * DISTURBANCES.length);
  for (let n = 0; n < others; n += 1)
    kinds.push(DISTURBANCES[(first + n) % DISTURBANCES.length] ?? "deadlocks");
  shuffle(kinds, random);
  const stepMs = (minutes * 60_000) / (kinds.length + 1);
  return kinds.map((kind, index) => ({
    atMs: Math.round((index + 0.5 + random.fraction()) * stepMs),
    kind,
    member: Math.floor(random.fraction() * members),
    durationMs: Math.round(between(random, kind.startsWith("stop server") ? STOP_MS : LONG_MS)),
  }));
}

function between(random: Random, [min, max]: readonly [number, number]): number {
  return min + random.fraction() * (max - min);
}

function shuffle(items: FaultKind[], random: Random): void {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random.fraction() * (index + 1));
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
}
