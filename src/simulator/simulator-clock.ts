// The simulator's only source of time and timers, handed in from outside so that a simulation can
// move it by hand. Nothing under src/simulator reads another clock. The order of timers with the
// same due instant is the order of asking.

/** Stops a timer. Calling it late or twice does nothing. */
export type Cancel = () => void;

export interface SimulatorClock {
  /** The current instant in epoch milliseconds; may carry a fraction. */
  now(): number;
  /** Runs `run` once, `delayMs` from now (at once on the next turn when 0 or less). */
  after(delayMs: number, run: () => void): Cancel;
}
