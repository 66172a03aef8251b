// The carrier's own queue of one account: first in, first out, one call per 1/cps seconds.
// It never drops and never reorders; an entry that was removed gives its turn to the next one.

import type { Cancel, SimulatorClock } from "../simulator-clock.ts";

export class DialQueue {
  readonly #clock: SimulatorClock;
  #intervalMs: number;
  readonly #waiting = new Map<string, () => void>();
  #nextTurnAt = 0;
  #cancelTimer: Cancel | null = null;

  constructor(clock: SimulatorClock, maxCallsPerSecond: number) {
    this.#clock = clock;
    this.#intervalMs = 1000 / maxCallsPerSecond;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Takes effect from the next turn on. */
  setPace(maxCallsPerSecond: number): void {
    this.#intervalMs = 1000 / maxCallsPerSecond;
  }

  /** How long a call that joined now would wait. */
  estimatedWaitMs(): number {
    const untilTurn = Math.max(0, this.#nextTurnAt - this.#clock.now());
    return untilTurn + this.#waiting.size * this.#intervalMs;
  }

  /** Queues one call; `dial` runs at its turn, never inside this call. */
  join(id: string, dial: () => void): void {
    this.#waiting.set(id, dial);
    this.#arm();
  }

  /** Takes a waiting call out. False when it is not waiting (any more). */
  leave(id: string): boolean {
    return this.#waiting.delete(id);
  }

  #arm(): void {
    if (this.#cancelTimer !== null || this.#waiting.size === 0) return;
    const now = this.#clock.now();
    const dueAt = Math.max(now, this.#nextTurnAt);
    this.#cancelTimer = this.#clock.after(dueAt - now, () => {
      this.#cancelTimer = null;
      this.#turn(dueAt);
    });
  }

  #turn(dueAt: number): void {
    const first = this.#waiting.entries().next();
    if (first.done === true) return;
    const [id, dial] = first.value;
    this.#waiting.delete(id);
    const now = this.#clock.now();
    // Timers fire a little late; counting from the turn that was due keeps the average pace at cps.
    const isOnTime = now - dueAt < this.#intervalMs;
    this.#nextTurnAt = (isOnTime ? dueAt : now) + this.#intervalMs;
    this.#arm();
    dial();
  }
}
