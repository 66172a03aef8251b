// Runs ticks (the engine's, the jobs') in real time: sleep until the tick's next wake, or until
// somebody wakes it. One tick at a time; a tick that fails is logged, counted and tried again with
// a growing pause, and never ends the process.

import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { EngineLog } from "../engine/engine-dependencies.ts";

/** Between ticks, however often it is woken: bounds the load of a storm of callbacks. */
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 2_000;
const FAILURE_PAUSE_MS = 500;
/** Longest wait after a failed tick: a database that is back is used this soon. */
const MAX_FAILURE_PAUSE_MS = 2_000;

export interface TickLoop {
  /** The next tick comes at once. */
  wake(): void;
  /** Failed ticks in a row; 0 when all is well. */
  failures(): number;
  /** Lets the tick under way finish, then no more. */
  stop(): Promise<void>;
}

export function startTickLoop(options: {
  readonly work: { tick(): Promise<{ readonly nextWakeAt: Instant }> };
  readonly clock: Clock;
  readonly log: EngineLog;
}): TickLoop {
  let isStopping = false;
  let isWoken = false;
  let failures = 0;
  let endSleep: (() => void) | null = null;

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        endSleep = null;
        resolve();
      }
      endSleep = done;
    });

  async function run(): Promise<void> {
    while (!isStopping) {
      isWoken = false;
      const pauseMs = await tickOnce();
      await sleep(MIN_PAUSE_MS);
      if (!isWoken && !isStopping && pauseMs > MIN_PAUSE_MS) await sleep(pauseMs - MIN_PAUSE_MS);
    }
  }

  async function tickOnce(): Promise<number> {
    try {
      const { nextWakeAt } = await options.work.tick();
      failures = 0;
      return Math.min(nextWakeAt - options.clock.now(), MAX_PAUSE_MS);
    } catch (error) {
      failures += 1;
      options.log.error({ err: error, failures }, "a tick failed; it is tried again");
      return Math.min(FAILURE_PAUSE_MS * failures, MAX_FAILURE_PAUSE_MS);
    }
  }

  const running = run();
  return {
    wake: () => {
      isWoken = true;
      endSleep?.();
    },
    failures: () => failures,
    stop: async () => {
      isStopping = true;
      endSleep?.();
      await running;
    },
  };
}
