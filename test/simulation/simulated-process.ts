// One process of the simulated installation: its clock, its life and its death. Everything it asks
// of the outside world goes through `ask`, which is where it may be slow, frozen or killed: before
// the request is carried out, or after it and before the answer. A dead process is never answered.

import type { Instant } from "../../src/domain/instant.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Dice } from "../../src/simulator/dice.ts";
import type { Timeline } from "./timeline.ts";

export interface Question<T> {
  readonly what: string;
  /** From the question until it is carried out and answered. */
  readonly latencyMs: number;
  /** How likely a crash is here, against an ordinary statement. */
  readonly crashWeight: number;
  /** False: it cannot be carried out yet; `wait` is told whom to call again. */
  readonly isFree?: () => boolean;
  readonly wait?: (again: () => Promise<void>) => void;
  readonly run: () => T | Promise<T>;
}

export interface ProcessOptions {
  readonly name: string;
  readonly timeline: Timeline;
  readonly skewMs: number;
  /** Ordinary questions until it crashes; Infinity: never. */
  readonly fuse: number;
  readonly crashDice: Dice;
  /** Cleans up behind a crash. */
  readonly onCrash: (process: SimulatedProcess, where: string) => Promise<void>;
}

export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly #options: ProcessOptions;
  #fuse: number;
  #isAlive = true;
  #frozenUntil = Number.NEGATIVE_INFINITY;
  #behindMs = 0;
  #steppedMs = 0;
  #degradedBecause: string | null = null;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#fuse = options.fuse;
    const awakeMs = (): number => options.timeline.now() + options.skewMs - this.#behindMs;
    this.clock = {
      now: (): Instant => Math.floor(awakeMs() + this.#steppedMs),
      monotonicMs: () => Math.floor(awakeMs()),
      state: () =>
        this.#degradedBecause === null
          ? { kind: "steady" }
          : { kind: "degraded", reason: this.#degradedBecause },
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isFrozen(): boolean {
    return this.#frozenUntil > this.#options.timeline.now();
  }

  /** From here on nothing crashes by itself. */
  disarm(): void {
    this.#fuse = Number.POSITIVE_INFINITY;
  }

  /** SIGSTOP and SIGCONT: nothing it asked for is carried out or answered meanwhile. */
  freeze(until: number): void {
    this.#frozenUntil = until;
  }

  /**
   * The whole machine sleeps: its clock stands still and stays behind until it has been compared
   * with the database's again, which it knows.
   */
  sleep(until: number, comparedAt: number): void {
    const { timeline } = this.#options;
    const startsAt = timeline.now();
    this.freeze(until);
    timeline.at(until, () => {
      this.#behindMs = until - startsAt;
      this.#degradedBecause = "the machine slept";
    });
    timeline.at(comparedAt, () => {
      this.#behindMs = 0;
      this.#degradedBecause = null;
    });
  }

  /** Its time jumps, forwards or back, and is doubted until it was compared with the database's. */
  step(byMs: number, comparedAt: number): void {
    this.#steppedMs = byMs;
    this.#degradedBecause = "the clock jumped";
    this.#options.timeline.at(comparedAt, () => {
      this.#steppedMs = 0;
      this.#degradedBecause = null;
    });
  }

  async kill(where: string): Promise<void> {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    await this.#options.onCrash(this, where);
  }

  /** Asks the outside world. Never resolves once the process is dead. */
  ask<T>(question: Question<T>): Promise<T> {
    const { timeline, crashDice } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const attempt = async (): Promise<void> => {
      if (!this.#isAlive) return;
      if (this.isFrozen) {
        timeline.at(this.#frozenUntil, attempt);
        return;
      }
      if (question.isFree?.() === false) {
        question.wait?.(attempt);
        return;
      }
      this.#fuse -= question.crashWeight;
      const crashes = this.#fuse <= 0;
      if (crashes && crashDice.chance(0.5)) {
        await this.kill(`before ${question.what}`);
        return;
      }
      try {
        const answer = await question.run();
        if (crashes) await this.kill(`after ${question.what}`);
        else resolve(answer);
      } catch (error) {
        // What a database or a carrier says goes to whoever asked; anything else is a bug of ours.
        if (!isAnswer(error)) throw error;
        reject(error);
      }
    };
    timeline.after(question.latencyMs, attempt);
    return promise;
  }
}

/** An AppError, or an error of the database with its SQLSTATE. */
function isAnswer(error: unknown): error is Error {
  return error instanceof Error && "code" in error;
}
