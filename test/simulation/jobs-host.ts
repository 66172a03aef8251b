// The background work of one simulated process, and when it is woken: when a row is due, or two
// seconds after somebody wrote something. As for the engine, ticks that would find nothing are left
// out.

import { createJobs, type Jobs } from "../../src/jobs/jobs.ts";
import type { JobsDependencies } from "../../src/jobs/jobs-dependencies.ts";
import type { Dice } from "../../src/simulator/dice.ts";
import type { WorldConnection } from "./database-desk.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Timeline } from "./timeline.ts";

export interface JobsHostParts {
  readonly process: SimulatedProcess;
  readonly dependencies: JobsDependencies;
  readonly timeline: Timeline;
  readonly connection: WorldConnection;
  readonly dice: Dice;
  readonly onTickFailed: () => void;
}

/** The longest sleep of the product's loop. */
const MAX_SLEEP_MS = 2_000;
const FAILURE_PAUSE_MS = 500;
/** Due, but not taken: another process holds it, or its address is busy. */
const BUSY_SLEEP_MS = 100;

export class JobsHost {
  readonly #parts: JobsHostParts;
  readonly #jobs: Jobs;
  #isTicking = false;
  #wakesAt = Number.POSITIVE_INFINITY;
  #cancelWake: () => void = () => {};

  constructor(parts: JobsHostParts) {
    this.#parts = parts;
    this.#jobs = createJobs(parts.dependencies);
  }

  start(): void {
    this.#wakeAt(this.#parts.timeline.now());
  }

  /** Something was written: it looks within its longest sleep, if it does not sooner. */
  nudge(): void {
    const at = this.#parts.timeline.now() + this.#parts.dice.between(0, MAX_SLEEP_MS);
    if (!this.#parts.process.isAlive || this.#isTicking) return;
    if (this.#wakesAt > this.#parts.timeline.now() + MAX_SLEEP_MS) {
      this.#wakeAt(at);
    }
  }

  #wakeAt(at: number): void {
    this.#wakesAt = at;
    this.#cancelWake();
    this.#cancelWake =
      at === Number.POSITIVE_INFINITY ? () => {} : this.#parts.timeline.at(at, () => this.#tick());
  }

  #tick(): void {
    const { process, timeline, onTickFailed } = this.#parts;
    if (!process.isAlive || this.#isTicking) return;
    this.#isTicking = true;
    this.#jobs
      .tick()
      .then(() => {
        this.#isTicking = false;
        // Reading the tables is an event of its own: only those may wait for the real database.
        this.#wakesAt = timeline.now();
        timeline.after(1, () => this.#sleep());
      })
      .catch(() => {
        this.#isTicking = false;
        onTickFailed();
        this.#wakeAt(timeline.now() + FAILURE_PAUSE_MS);
      });
  }

  async #sleep(): Promise<void> {
    const { process, timeline, connection, dice } = this.#parts;
    if (!process.isAlive || this.#isTicking) return;
    const [row] = await connection.observe<{ at: number | null }>(NEXT_DUE);
    const dueAt = row?.at ?? Number.POSITIVE_INFINITY;
    this.#wakeAt(Math.max(dueAt + dice.between(0, 5), timeline.now() + BUSY_SLEEP_MS));
  }
}

const NEXT_DUE = `select min(due_at) as at from (
  select due_at from deliveries where state = 'pending'
  union all select due_at from call_analyses where state = 'pending') due`;
