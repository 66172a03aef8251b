// Fields that a campaign is created with and edited by, beyond the contract's: its end, its share
// of the pace, and its retries.

import { z } from "zod";

import { RETRYABLE_REASONS } from "../../domain/retry-policy.ts";
import { instantText } from "./instant-text.ts";

/** More tries than this annoy people and reach nobody new. */
const MAX_ATTEMPTS = 10;
const MAX_RETRY_GAP_MINUTES = 30 * 24 * 60;
export const MAX_PACING_SHARE = 100;

export const ExpiresAt = instantText("2030-06-17T18:00:00Z").describe(
  "ISO 8601 instant with an offset. Who was not reached by then ends as expired.",
);

export const PacingShare = z
  .int()
  .min(1)
  .max(MAX_PACING_SHARE)
  .describe("Turns among the key's running campaigns: 3 is called three times as often as 1.");

const RetryGap = z.int().min(1).max(MAX_RETRY_GAP_MINUTES);

export const Retry = z
  .strictObject({
    ended_reasons: z
      .array(z.enum(RETRYABLE_REASONS))
      .min(1)
      .max(RETRYABLE_REASONS.length)
      .optional()
      .describe("After which ends to call again: busy and no-answer unless given."),
    max_attempts: z
      .int()
      .min(2)
      .max(MAX_ATTEMPTS)
      .describe("Calls to one recipient in all, the first included."),
    after_minutes: z
      .union([RetryGap, z.array(RetryGap).min(1).max(MAX_ATTEMPTS)])
      .describe("Minutes from the end of one call to the next; a list has one for each retry."),
    max_per_day: z
      .int()
      .min(1)
      .max(MAX_ATTEMPTS)
      .nullable()
      .optional()
      .describe("Calls to one recipient on one local day; null: as many as max_attempts."),
    at_minutes: z
      .array(z.int().min(0).max(1439))
      .max(MAX_ATTEMPTS)
      .optional()
      .describe(
        "Local minutes of the day for the retries, in turn. Without: as soon as they are due.",
      ),
  })
  .meta({
    id: "Retry",
    examples: [{ max_attempts: 3, after_minutes: [60, 1440], max_per_day: 2 }],
  });

export const RetryPolicyShown = z
  .object({
    ended_reasons: z.array(z.string()),
    max_attempts: z.number(),
    after_minutes: z.array(z.number()),
    max_per_day: z.number().nullable(),
    at_minutes: z.array(z.number()),
  })
  .meta({ id: "RetryPolicy" });
