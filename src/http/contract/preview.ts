// A look at a batch before it exists (docs/preview.md): the body of a create, answered with what it
// would amount to.

import { z } from "zod";

import { InvalidEntry } from "./batch.ts";
import { instantText } from "./instant-text.ts";

const MAX_OPENINGS = 100;
const DEFAULT_OPENINGS = 7;
// Past it a call is a mistake: agents end calls after an hour at most.
const MAX_TALK_SECONDS = 3_600;

export const PreviewQuery = z.object({
  from: instantText("2030-06-12T09:00:00Z")
    .transform((text) => Date.parse(text))
    .optional()
    .describe("The moment of the create: an instant with its offset, ISO 8601. Now unless given."),
  openings: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_OPENINGS)
    .default(DEFAULT_OPENINGS)
    .describe("How many openings to list."),
  talk_seconds: z.coerce
    .number()
    .min(1)
    .max(MAX_TALK_SECONDS)
    .optional()
    .describe("Assumed length of a talk. Else from the key's calls of 30 days, else 60."),
  answer_rate: z.coerce
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Assumed share of calls answered. Else from the key's calls of 30 days, else 0.35."),
});
export type PreviewQuery = z.output<typeof PreviewQuery>;

export const PreviewWarningCode = z.enum([
  "no_model",
  "dialing_stopped",
  "invalid_phones",
  "duplicates",
  "suppressed",
  "nobody_to_call",
  "clock_change",
  "slow_pace",
  "too_short",
  "never_finishes",
]);

export const PreviewWarning = z
  .object({
    code: PreviewWarningCode.describe("For programs."),
    message: z.string().describe("For people."),
  })
  .meta({ id: "PreviewWarning" });
export type PreviewWarning = z.infer<typeof PreviewWarning>;

const AssumptionSource = z.enum(["request", "history", "default"]);
export type AssumptionSource = z.infer<typeof AssumptionSource>;

export const BatchPreview = z
  .object({
    valid_count: z.number(),
    invalid_count: z.number(),
    duplicate_count: z.number().describe("Recipients whose phone stands earlier in the list."),
    suppressed_count: z.number().describe("Valid recipients who must not be called."),
    invalid: z.array(InvalidEntry).describe("At most the first 1,000."),
    timezone: z.string().describe("Zone of the window, resolved."),
    openings: z
      .array(
        z.object({
          opens_at: z.string().describe("UTC. May lie before `from` when it is under way."),
          closes_at: z.string().nullable().describe("UTC; null: never."),
          local_opens_at: z.string().describe("In the zone, with its offset."),
          local_closes_at: z.string().nullable(),
        }),
      )
      .describe("When calls may be dialed, in order; adjacent openings are one."),
    starts_at: z.string().nullable().describe("First call; null: nobody is called."),
    finishes_at: z
      .string()
      .nullable()
      .describe("Projected end of the last call; null: nobody is called, or not within a year."),
    warnings: z.array(PreviewWarning),
    assumptions: z
      .object({
        talk_seconds: z.number(),
        talk_seconds_from: AssumptionSource,
        answer_rate: z.number(),
        answer_rate_from: AssumptionSource,
      })
      .describe("What the projected end rests on."),
  })
  .meta({ id: "BatchPreview" });
export type BatchPreview = z.infer<typeof BatchPreview>;
