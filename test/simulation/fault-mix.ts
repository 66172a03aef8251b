// What goes wrong in one world, and how often. Each seed draws its own mix: some worlds are calm,
// some have one fault often, some have everything at once.

import type { Dice } from "../../src/simulator/dice.ts";
import type { DatabaseFaults } from "./database-desk.ts";

export interface CarrierFaults {
  /** Requests written late in their slot of time, or too late and so not at all. */
  readonly lateWrites: number;
  readonly refuse: number;
  readonly refuseCodes: readonly [number, ...number[]];
  readonly errorBefore: number;
  readonly errorAfter: number;
  readonly hangBefore: number;
  readonly hangAfter: number;
  readonly travelSlow: number;
  readonly answerSlow: number;
  /** Look-ups, lists and ends that fail, before or after they were carried out. */
  readonly requestFails: number;
  readonly listLagMs: number;
  /** A call just made is not found yet, for up to this long. */
  readonly readLagMs: number;
  /** Calls of others to the same phone in the list. */
  readonly foreign: number;
  readonly callbacks: {
    readonly lost: number;
    readonly doubled: number;
    readonly late: number;
    readonly lateMs: number;
    readonly reordered: number;
  };
}

/** What the users' webhook addresses do. */
export interface OutboundFaults {
  readonly lost: number;
  readonly failing: number;
  /** Refused for good. */
  readonly gone: number;
}

export interface FaultMix {
  readonly carrier: CarrierFaults;
  readonly outbound: OutboundFaults;
  readonly database: DatabaseFaults;
  /** Ordinary port calls until a process crashes, on average; Infinity: none does. */
  readonly meanFuse: number;
  /** Frozen processes and sleeping machines. */
  readonly freezes: number;
  /** Clocks that somebody sets. */
  readonly clockSteps: number;
}

// Throttled three times as often as the rest: it alone is ordinary.
const REFUSALS = [
  20429, 20429, 20429, 22005, 10004, 21211, 21214, 21215, 21216, 21210, 20003, 20001,
] as const;

export const NO_FAULTS: FaultMix = {
  carrier: {
    lateWrites: 0,
    refuse: 0,
    refuseCodes: [20429],
    errorBefore: 0,
    errorAfter: 0,
    hangBefore: 0,
    hangAfter: 0,
    travelSlow: 0,
    answerSlow: 0,
    requestFails: 0,
    listLagMs: 5_000,
    readLagMs: 0,
    foreign: 0,
    callbacks: { lost: 0, doubled: 0, late: 0, lateMs: 1_000, reordered: 0 },
  },
  outbound: { lost: 0, failing: 0, gone: 0 },
  database: { broken: 0, slow: 0, slowMs: 0, rerun: 0 },
  meanFuse: Number.POSITIVE_INFINITY,
  freezes: 0,
  clockSteps: 0,
};

/** Nothing comes back from the carrier, and its list is as far behind as it is believed to get. */
function darkened(carrier: CarrierFaults, dice: Dice): CarrierFaults {
  const hangAfter = dice.between(0.2, 0.8);
  const callbacks = { ...carrier.callbacks, lost: 1 };
  return { ...carrier, hangAfter, listLagMs: 120_000, callbacks };
}

export function drawFaultMix(dice: Dice): FaultMix {
  const mix = drawMix(dice);
  const dark = dice.chance(0.08) ? { ...mix, carrier: darkened(mix.carrier, dice) } : mix;
  return { ...dark, outbound: drawOutbound(dice) };
}

function drawOutbound(dice: Dice): OutboundFaults {
  const often = (): number => (dice.chance(0.5) ? 0 : dice.fraction() * 0.7);
  return { lost: often(), failing: often(), gone: dice.chance(0.2) ? 0.1 : 0 };
}

function drawMix(dice: Dice): FaultMix {
  const severity = dice.pick([0, 0.3, 1, 1, 2] as const);
  // Half of the faults are missing in each world, so that the others are seen alone too.
  const often = (most: number): number =>
    dice.chance(0.5) ? 0 : Math.min(0.9, dice.fraction() * most * severity);
  // Sometimes a thing does not work at all, or nearly.
  const outage = (chance: number): number =>
    severity > 0 && dice.chance(chance) ? dice.between(0.5, 1) : often(0.1);
  return {
    carrier: {
      lateWrites: dice.pick([0, 0.3, 0.6] as const),
      refuse: often(0.15),
      refuseCodes: dice.chance(0.5) ? REFUSALS : [dice.pick(REFUSALS)],
      errorBefore: outage(0.08),
      errorAfter: outage(0.05),
      hangBefore: outage(0.08),
      hangAfter: outage(0.05),
      travelSlow: often(0.2),
      answerSlow: often(0.3),
      requestFails: often(0.3),
      listLagMs: dice.pick([0, 5_000, 30_000, 120_000] as const),
      readLagMs: dice.pick([0, 0, 3_000, 15_000] as const),
      foreign: often(0.1),
      callbacks: {
        lost: severity > 0 && dice.chance(0.12) ? 1 : often(0.4),
        doubled: often(0.5),
        late: often(0.4),
        lateMs: dice.pick([2_000, 12_000, 60_000] as const),
        reordered: often(0.4),
      },
    },
    outbound: { lost: 0, failing: 0, gone: 0 },
    database: {
      broken: often(0.004),
      slow: often(0.01),
      slowMs: dice.pick([200, 2_000, 12_000] as const),
      rerun: often(0.03),
    },
    meanFuse:
      severity === 0 || dice.chance(0.4) ? Number.POSITIVE_INFINITY : dice.between(300, 4_000),
    freezes: severity === 0 || dice.chance(0.6) ? 0 : Math.ceil(dice.between(0, 4)),
    clockSteps: severity === 0 || dice.chance(0.8) ? 0 : Math.ceil(dice.between(0, 3)),
  };
}
