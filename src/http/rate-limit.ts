// Requests per minute and key (contract B.2.7), counted in this process in windows of one minute
// from a key's first request. With several API processes a key has the limit in each of them: it
// protects a process from one tenant, and dialing is bounded elsewhere.

import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";

export interface RateState {
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** When the window ends and the count starts anew. */
  readonly resetsAt: Instant;
  readonly retryAfterSeconds: number;
}

const WINDOW_MS = 60_000;
// Only keys that exist are counted, so this bounds memory for installations with very many of them.
const MAX_TRACKED_KEYS = 10_000;

interface Window {
  readonly startedAt: Instant;
  count: number;
}

/** Counts one request and says whether it is within the limit. */
export type TakeRequest = (keyId: string) => RateState;

export function createRateLimiter(maxPerMinute: number, clock: Pick<Clock, "now">): TakeRequest {
  const windows = new Map<string, Window>();
  return (keyId) => {
    const now = clock.now();
    let window = windows.get(keyId);
    // A clock that stepped back must not lock a key out until it has caught up.
    if (window === undefined || now >= window.startedAt + WINDOW_MS || now < window.startedAt) {
      if (windows.size >= MAX_TRACKED_KEYS) forgetEnded(windows, now);
      window = { startedAt: now, count: 0 };
      windows.delete(keyId);
      windows.set(keyId, window);
    }
    window.count += 1;
    const resetsAt = window.startedAt + WINDOW_MS;
    return {
      isAllowed: window.count <= maxPerMinute,
      limit: maxPerMinute,
      remaining: Math.max(0, maxPerMinute - window.count),
      resetsAt,
      retryAfterSeconds: Math.max(1, Math.ceil((resetsAt - now) / 1000)),
    };
  };
}

function forgetEnded(windows: Map<string, Window>, now: Instant): void {
  for (const [keyId, window] of windows) {
    if (now >= window.startedAt + WINDOW_MS) windows.delete(keyId);
  }
  // All of them are active: the one whose window is oldest starts anew.
  const oldest = windows.keys().next();
  if (windows.size >= MAX_TRACKED_KEYS && oldest.done !== true) windows.delete(oldest.value);
}
