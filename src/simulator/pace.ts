// Time as one simulator run sees it: the given clock, plus the speed that divides ringing, talking
// and speech. Everything else (pacing, list lag, web requests, the carrier's own delays) uses
// `after` and is never divided. Every timer of a run is kept here, so that closing or resetting
// leaves none behind.

import type { Cancel, SimulatorClock } from "./simulator-clock.ts";

export interface Pace extends SimulatorClock {
  /** How many times faster than life people ring, listen and talk. */
  readonly speed: number;
  /**
   * Like `after`, for a stretch of ringing, talking or listening: `delayMs` is what it takes in
   * life.
   */
  afterTalk(delayMs: number, run: () => void): Cancel;
  /**
   * Like `afterTalk`, for how long a person bears the other side's silence. The other side does not
   * run faster, so the wait is never cut below `floorMs`.
   */
  afterPatience(delayMs: number, floorMs: number, run: () => void): Cancel;
  /** Cancels every timer; later ones are ignored. */
  stop(): void;
}

/** @throws RangeError when `speed` is not a positive number. */
export function createPace(clock: SimulatorClock, speed: number): Pace {
  if (!(speed > 0) || !Number.isFinite(speed)) {
    throw new RangeError(`speed must be a positive number, not ${speed}`);
  }
  const pending = new Set<Cancel>();
  let stopped = false;

  const after = (delayMs: number, run: () => void): Cancel => {
    if (stopped) return () => undefined;
    const cancel = clock.after(Math.max(0, delayMs), () => {
      pending.delete(forget);
      run();
    });
    const forget = () => {
      pending.delete(forget);
      cancel();
    };
    pending.add(forget);
    return forget;
  };

  return {
    speed,
    now: () => clock.now(),
    after,
    afterTalk: (delayMs, run) => after(delayMs / speed, run),
    afterPatience: (delayMs, floorMs, run) =>
      after(Math.max(delayMs / speed, Math.min(delayMs, floorMs)), run),
    stop: () => {
      stopped = true;
      for (const cancel of pending) cancel();
    },
  };
}
