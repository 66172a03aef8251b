// Suppressions: phones that must not be called. With an API key they are the key's own; with the
// operator's token those of the whole installation.

import { z } from "zod";

import { SUPPRESSION_SOURCES } from "../../domain/suppression.ts";
import { pageFields } from "./page.ts";

/** As JSON; a longer list is uploaded as CSV. */
export const MAX_PHONES = 1_000;
export const MAX_SUPPRESSION_REASON_LENGTH = 500;

const reason = z.string().max(MAX_SUPPRESSION_REASON_LENGTH).nullable().optional();
const phone = z.string().max(64);

export const AddSuppressionsRequest = z
  .object({
    phone: phone.optional().describe("One phone, in E.164."),
    phones: z
      .array(phone)
      .max(MAX_PHONES)
      .optional()
      .describe(`Or up to ${MAX_PHONES}. More, or a reason for each: as text/csv.`),
    reason: reason.describe("Why, for whoever asks later. Of all phones of this request."),
  })
  .meta({
    id: "AddSuppressions",
    examples: [{ phone: "+12025550101", reason: "Asked not to be called again" }],
  });
export type AddSuppressionsRequest = z.infer<typeof AddSuppressionsRequest>;

export const AddSuppressionsQuery = z.object({
  skip_invalid: z
    .enum(["true", "false"])
    .default("false")
    .describe("true: add the valid phones and list the others."),
});

export const Suppression = z
  .object({
    suppression_id: z.string(),
    phone: z.string(),
    scope: z.enum(["key", "installation"]),
    reason: z.string().nullable(),
    source: z.enum(SUPPRESSION_SOURCES),
    created_at: z.string().describe("Suppressed since."),
  })
  .meta({ id: "Suppression" });
export type Suppression = z.infer<typeof Suppression>;

const InvalidPhone = z.object({
  phone: z.string(),
  reason: z.string(),
  row_index: z.number().describe("Position in the list, from 0; a header does not count."),
  line: z.number().nullable().describe("Line of the CSV, from 1; null for JSON."),
});

export const AddedSuppressions = z
  .object({
    added_count: z.number().describe("Phones that were not on the list before."),
    existing_count: z.number().describe("Phones that were."),
    invalid_count: z.number(),
    invalid: z.array(InvalidPhone).describe("At most the first 1,000."),
    suppressed_recipients_count: z
      .number()
      .describe("Recipients that waited for a call and have ended as suppressed."),
    suppressions: z.array(Suppression).nullable().describe("By phone; null for CSV."),
  })
  .meta({ id: "AddedSuppressions" });
export type AddedSuppressions = z.infer<typeof AddedSuppressions>;

export const SuppressionListQuery = z.object({
  ...pageFields({ defaultLimit: 100, maxLimit: 1000 }),
  phone: phone.optional(),
  reason: z
    .string()
    .max(MAX_SUPPRESSION_REASON_LENGTH)
    .optional()
    .describe("A part of the reason, in any case."),
  source: z.enum(SUPPRESSION_SOURCES).optional(),
});

export const SuppressionList = z
  .object({
    suppressions: z.array(Suppression),
    count: z.number().describe("Suppressions in this answer."),
  })
  .meta({ id: "SuppressionList" });

export const CheckSuppressionQuery = z.object({ phone: phone.min(1).describe("E.164.") });

export const SuppressionCheck = z
  .object({
    phone: z.string(),
    suppressed: z.boolean(),
    suppressed_by: z.array(
      z.object({
        scope: z.enum(["key", "installation"]),
        since: z.string(),
        suppression_id: z
          .string()
          .nullable()
          .describe("null, as reason and source, when it is the operator's and a key asks."),
        reason: z.string().nullable(),
        source: z.enum(SUPPRESSION_SOURCES).nullable(),
      }),
    ),
  })
  .meta({ id: "SuppressionCheck" });
export type SuppressionCheck = z.infer<typeof SuppressionCheck>;

export const SuppressionParams = z.object({ suppression_id: z.string() });

export const RemovedSuppression = z
  .object({ suppression_id: z.string(), removed: z.literal(true) })
  .meta({ id: "RemovedSuppression" });
