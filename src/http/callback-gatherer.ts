// Gathers carrier events for a few milliseconds and applies them together: one transaction for a burst of callbacks, about
// five times the throughput of one each. Every caller hears after the commit; a bad event stops nobody else's.

import { AppError } from "../domain/app-error.ts";
import type { CarrierEvent } from "../domain/carrier-event.ts";

/** Long enough to gather a burst, far below what a carrier notices. */
const GATHER_MS = 5;
/** Bounds a transaction: its locks are held for some tens of milliseconds. */
const MAX_BATCH = 500;
/** Beyond it the database is not keeping up, and the carrier is asked to come again (its retries are on for 5xx). */
const MAX_WAITING = 10_000;

interface Waiting {
  readonly event: CarrierEvent;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface CallbackGatherer {
  /** Resolves when the event is committed. @throws AppError `server_busy`, or what applying it alone threw */
  add(event: CarrierEvent): Promise<void>;
}

export function createCallbackGatherer(
  apply: (events: readonly CarrierEvent[]) => Promise<void>,
): CallbackGatherer {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | null = null;
  let isApplying = false;

  async function flush(): Promise<void> {
    timer = null;
    // One batch at a time: the next gathers while this one commits.
    if (isApplying || waiting.length === 0) return;
    isApplying = true;
    const batch = waiting.slice(0, MAX_BATCH);
    waiting = waiting.slice(MAX_BATCH);
    try {
      await applyBatch(batch);
    } finally {
      isApplying = false;
      if (waiting.length > 0) void flush();
    }
  }

  async function applyBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      await apply(batch.map((each) => each.event));
      for (const each of batch) each.resolve();
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1 && only !== undefined) only.reject(error);
      else for (const each of batch) await applyBatch([each]);
    }
  }

  return {
    add: (event) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= MAX_WAITING) {
          reject(new AppError("server_busy", { message: "Too many callbacks are waiting.", retryAfterSeconds: 1 }));
          return;
        }
        waiting.push({ event, resolve, reject });
        timer ??= setTimeout(() => void flush(), GATHER_MS);
      }),
  };
}
