// One engine in one simulated process, and when it is woken. As in production it is woken when it
// asked to be, at most a little late. Ticks that would certainly find nothing are left out: when
// nothing was written since its last full round and no instant in the tables has come, another tick
// would do the same as the last one. That is what lets a year pass in seconds.

import type { Database } from "../../src/ports/database.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import type { EngineDependencies } from "../../src/engine/engine-dependencies.ts";
import type { Dice } from "../../src/simulator/dice.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import type { WorldConnection } from "./database-desk.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Timeline } from "./timeline.ts";

export interface HostParts {
  readonly process: SimulatedProcess;
  readonly dependencies: EngineDependencies;
  readonly timeline: Timeline;
  readonly connection: WorldConnection;
  readonly dice: Dice;
  /** When anybody last committed something. */
  readonly lastWriteAt: () => number;
  readonly onTick: () => void;
  /** Runs before each tick, at the same instant. */
  readonly beforeTick: () => Promise<void>;
  readonly onTickFailed: () => void;
}

/** A tick this long after the last write has run every step since: steps come every 500 ms. */
const FULL_ROUND_MS = 520;
const FAILURE_PAUSE_MS = 500;
/** The guard against lost wake-ups; longer and longer once a world is quiet. */
const SWEEP_MS = 60_000;

export class EngineHost {
  readonly process: SimulatedProcess;
  readonly engine: Engine;
  readonly database: Database;
  readonly #parts: HostParts;
  #isTicking = false;
  #isAsleep = false;
  #lastTickAt = Number.NEGATIVE_INFINITY;
  #cancelWake: () => void = () => {};

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.process = parts.process;
    this.database = parts.dependencies.database;
    this.engine = createEngine(parts.dependencies);
  }

  start(): void {
    this.#wakeAt(this.#parts.timeline.now());
  }

  /** Something was written while it slept: it would have looked by now or within moments. */
  nudge(): void {
    if (!this.#isAsleep) return;
    this.#wakeAt(this.#parts.timeline.now() + this.#parts.dice.between(0, 240));
  }

  #wakeAt(at: number): void {
    this.#isAsleep = false;
    this.#cancelWake();
    this.#cancelWake = this.#parts.timeline.at(at, () => this.#wake());
  }

  async #wake(): Promise<void> {
    const { timeline, lastWriteAt } = this.#parts;
    if (!this.process.isAlive || this.#isTicking) return;
    const isFresh = this.#lastTickAt < lastWriteAt() + FULL_ROUND_MS;
    const dueAt = isFresh ? timeline.now() : await this.#nextDueAt();
    if (dueAt <= timeline.now()) {
      await this.#parts.beforeTick();
      this.#tick();
      return;
    }
    this.#wakeAt(dueAt);
    this.#isAsleep = true;
  }

  #tick(): void {
    const { timeline } = this.#parts;
    this.#isTicking = true;
    this.#parts.onTick();
    this.#lastTickAt = this.process.clock.now();
    this.engine
      .tick()
      .then(({ nextWakeAt }) => {
        this.#isTicking = false;
        this.#wakeAt(this.#stretched(nextWakeAt));
      })
      .catch(() => {
        this.#isTicking = false;
        this.#parts.onTickFailed();
        this.#wakeAt(timeline.now() + FAILURE_PAUSE_MS);
      });
  }

  // A wish for the next of the regular looks may wait until one look is worth two; a wish for an
  // instant of its own (a gate, an opening) is kept.
  #stretched(wishAt: number): number {
    const { timeline, dice, lastWriteAt } = this.#parts;
    const latenessMs = dice.chance(0.9) ? dice.between(0, 5) : dice.between(0, 60);
    const isRegular = wishAt - this.#lastTickAt >= 230;
    const at = isRegular ? Math.max(wishAt, lastWriteAt() + FULL_ROUND_MS) : wishAt;
    return Math.max(timeline.now() + 10, at) + latenessMs;
  }

  /** The first instant in the tables after the last tick, or the next sweep. */
  async #nextDueAt(): Promise<number> {
    const { connection, lastWriteAt } = this.#parts;
    const quietMs = this.#lastTickAt - lastWriteAt();
    const sweepAt = this.#lastTickAt + Math.max(SWEEP_MS, quietMs * 8);
    const [row] = await connection.observe<{ at: number | null }>(NEXT_INSTANT, [
      sqlInstant(this.#lastTickAt),
    ]);
    return Math.min(row?.at ?? Number.POSITIVE_INFINITY, sweepAt);
  }
}

// Leads: a call is gated before its instant, a claim reserves up to a second ahead.
const NEXT_INSTANT = `select min(at) as at from (
  select unnest(array[opens_at, closes_at, window_overridden_until, expires_at]) as at
    from campaigns where status in ('scheduled', 'running', 'paused')
  union all select unnest(array[opens_at, closes_at]) from zone_groups
  union all select due_at from recipients where claimable
  union all select unnest(array[look_up_at, lease_until, end_due_at]) from calls where open
  union all select dial_at - interval '200 milliseconds' from calls where status = 'reserved'
  union all select unnest(array[backoff_until, pace_recovers_at, learned_concurrency_until,
      next_dial_at - interval '500 milliseconds', next_dial_at]) from carrier_accounts
  union all select c.sent_at + interval '1 day' from calls c join api_keys k on k.id = c.key_id
    where k.max_calls_per_day is not null
) instants where at > $1 and at < 'infinity'`;
