// The carrier's own delays between steps of a call, in milliseconds, never divided by the speed.
// Defaults are what was captured on the real carrier; tests and simulations may shorten them.

import type { Dice } from "../dice.ts";

export type Range = readonly [minMs: number, maxMs: number];

export interface CarrierDelays {
  /** Leaving the queue → dialing out (`initiated`). */
  readonly queueToInitiated: Range;
  /** `initiated` → `ringing`. */
  readonly initiatedToRinging: Range;
  /** The line closes → the `<Connect action>` request. */
  readonly closeToAction: Range;
  /** The action request → the `completed` callback. */
  readonly actionToCompleted: Range;
  /** A call ends before it was answered → the `completed` callback. */
  readonly endToCompleted: Range;
}

export const REAL_DELAYS: CarrierDelays = {
  queueToInitiated: [280, 390],
  initiatedToRinging: [150, 600],
  closeToAction: [170, 250],
  actionToCompleted: [300, 450],
  endToCompleted: [50, 250],
};

export function drawDelay(dice: Dice, range: Range): number {
  return dice.between(range[0], range[1]);
}
