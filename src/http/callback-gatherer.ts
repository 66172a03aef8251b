// Gathers carrier events for a few milliseconds and applies them together: one transaction for a
// burst of callbacks. Every caller hears after the commit; a bad event stops nobody else's.
// Bounded: beyond it callers are told to come again.

import { AppError } from "../domain/app-error.ts";
import type { CarrierEvent } from "../domain/carrier-event.ts";

/** Long enough to gather a burst, far below what a carrier notices. */
const GATHER_MS = 5;
/** Bounds a transaction: its locks are held for some tens of milliseconds. */
const MAX_BATCH = 500;
/**
 * Beyond it the database is not keeping up. At a thousand events a second this is ten seconds'
 * worth, below the fifteen that the carrier's retries last.
 */
const MAX_WAITING = 10_000;

interface Waiting {
  readonly event: CarrierEvent;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface CallbackGatherer {
  /**
   * Resolves when the event is committed.
   * @throws AppError `server_busy`, or what applying it alone threw
   */
  add(event: CarrierEvent): Promise<void>;
}

/**
 * @param apply one transaction over all its events; idempotent, because a batch that failed is
 * rerun in parts
 */
export function createCallbackGatherer(
  apply: (events: readonly CarrierEvent[]) => Promise<void>,
): CallbackGatherer {
  const waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | null = null;
  let isApplying = false;

  // Never rejects: every outcome goes to whoever waits for it.
  async function applyWaiting(): Promise<void> {
    timer = null;
    // One batch at a time: the next gathers while this one commits.
    if (isApplying) return;
    isApplying = true;
    try {
      while (waiting.length > 0) await applyBatch(waiting.splice(0, MAX_BATCH));
    } finally {
      isApplying = false;
    }
  }

  async function applyBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      await apply(batch.map((each) => each.event));
      for (const each of batch) each.resolve();
    } catch (error) {
      if (batch.length > 1 && isOfOneEvent(error)) {
        for (const each of batch) await applyBatch([each]);
      } else {
        for (const each of batch) each.reject(error);
      }
    }
  }

  const onGathered = (): void => {
    applyWaiting().catch((error: unknown) => {
      throw error;
    });
  };

  return {
    add: (event) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= MAX_WAITING) {
          const message = "Too many callbacks are waiting to be written.";
          reject(new AppError("server_busy", { message, retryAfterSeconds: 1 }));
          return;
        }
        waiting.push({ event, resolve, reject });
        timer ??= setTimeout(onGathered, GATHER_MS);
      }),
  };
}

// A database that cannot be reached fails every event alike; asking it five hundred times more
// would only keep the carrier waiting.
function isOfOneEvent(error: unknown): boolean {
  return !(error instanceof AppError && error.retryable);
}
