// The simulator's clock in real life: the machine's own time and timers.

import type { SimulatorClock } from "../simulator/simulator-clock.ts";

/**
 * Epoch milliseconds from a monotonic base, so that a step of the machine's clock never reorders a
 * call's history.
 */
export const realSimulatorClock: SimulatorClock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
