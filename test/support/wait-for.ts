// The one way tests wait: for a condition, never for an amount of time.

import { setTimeout as delay } from "node:timers/promises";

export interface WaitOptions {
  /** Default 10 s: far above what a loaded machine needs, far below the test's own limit. */
  readonly timeoutMs?: number;
  /**
   * What was waited for, in the words of the failure. A function is asked at the end, and may tell
   * what was seen.
   */
  readonly describe: string | (() => string);
  /** Between two looks, ms. Default 10; more for what counts its callers, as a rate limit does. */
  readonly pollMs?: number;
}

const POLL_MS = 10;
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Polls `condition` until it answers something other than false, null or undefined, and answers
 * that. A condition that throws ends the wait with its error.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await condition();
    if (answer !== false && answer !== null && answer !== undefined) {
      return answer as Exclude<T, false | null | undefined>;
    }
    if (performance.now() > deadline) {
      const what = typeof options.describe === "string" ? options.describe : options.describe();
      throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    }
    await delay(options.pollMs ?? POLL_MS);
  }
}
