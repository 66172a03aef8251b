// From the API's fields of a campaign to what is kept.

import type { z } from "zod";

import { refusePastExpiry } from "../domain/campaign-schedule.ts";
import type { Instant } from "../domain/instant.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Retry } from "./contract/campaign-fields.ts";

/** A retry policy with everything that was left out. Source: DESIGN §5 (Retries). */
export function retryPolicyOf(retry: z.infer<typeof Retry>): RetryPolicy {
  const { after_minutes: gaps } = retry;
  return {
    ended_reasons: [...new Set(retry.ended_reasons ?? (["busy", "no-answer"] as const))],
    max_attempts: retry.max_attempts,
    after_minutes: typeof gaps === "number" ? [gaps] : gaps,
    max_per_day: retry.max_per_day ?? null,
    at_minutes: retry.at_minutes ?? [],
  };
}

/**
 * The instant of an `expires_at`.
 * @throws AppError `invalid_request` when it has passed.
 */
export function expiryOf(text: string, now: Instant): Instant {
  const at = Date.parse(text);
  refusePastExpiry(at, now);
  return at;
}
