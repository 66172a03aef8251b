// Create batch campaign (contract, Part A). The body is read by src/http/batch-parsing.ts, which
// checks its fields with the schema below and its recipients with src/domain/batch-request.ts, so
// that 100,000 of them cost no schema library.

import { z } from "zod";

import { MAX_PROMPT_LENGTH, MAX_RECIPIENTS } from "../../domain/batch-request.ts";
import { ExpiresAt, PacingShare, Retry } from "./campaign-fields.ts";
import type { FieldCodes } from "./field-codes.ts";

export const MAX_CAMPAIGN_NAME_LENGTH = 200;

export const RecipientInput = z
  .strictObject({
    phone: z.string().describe("E.164, checked against the numbering plan."),
    variables: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .nullable()
      .optional()
      .describe(
        "Facts for the agent: at most 50 names of 64 characters, values of 500, 4 KB in all.",
      ),
    prompt_override: z
      .string()
      .max(MAX_PROMPT_LENGTH)
      .nullable()
      .optional()
      .describe("Replaces the campaign's prompt for this recipient only."),
    timezone: z
      .string()
      .nullable()
      .optional()
      .describe("The recipient's own IANA zone. Checked; not used for the campaign's window."),
  })
  .meta({ id: "BatchRecipient" });

const fields = {
  agent_id: z.string().min(1).max(64).describe("Agent of every call."),
  prompt: z
    .string()
    .max(MAX_PROMPT_LENGTH)
    .describe("Why the agent is calling and what it should say, for every call."),
  name: z.string().max(MAX_CAMPAIGN_NAME_LENGTH).nullable().optional(),
  from_number: z
    .string()
    .max(64)
    .nullable()
    .optional()
    .describe("Number to call from. May be left out when the agent has exactly one that may call."),
  skip_invalid: z.boolean().nullable().optional().describe("true: call the valid phones only."),
  skip_duplicates: z
    .boolean()
    .nullable()
    .optional()
    .describe("true: of equal phones keep the first."),
  allow_duplicate: z
    .boolean()
    .nullable()
    .optional()
    .describe("true: even when an identical body created a campaign within the last 10 minutes."),
  schedule_type: z.enum(["now", "schedule"]).nullable().optional().describe("now unless given."),
  scheduled_date: z
    .string()
    .max(32)
    .nullable()
    .optional()
    .describe("YYYY-MM-DD in the campaign's zone; needed for schedule_type schedule."),
  window_start_minutes: z
    .number()
    .nullable()
    .optional()
    .describe("Minutes since local midnight, 0–1439."),
  window_end_minutes: z
    .number()
    .nullable()
    .optional()
    .describe("Minutes since local midnight, 1–1440."),
  window_days: z
    .array(z.string().max(16))
    .max(7)
    .nullable()
    .optional()
    .describe("mon, tue, wed, thu, fri, sat, sun."),
  timezone: z
    .string()
    .max(64)
    .nullable()
    .optional()
    .describe("IANA zone of the window. Else the agent's, else Europe/London."),
  expires_at: ExpiresAt.nullable().optional(),
  pacing_share: PacingShare.nullable().optional().describe("1 unless given; see the campaign."),
  retry: Retry.nullable().optional().describe("Without it everybody is called once."),
  max_concurrent: z.unknown().optional().describe("Accepted and ignored."),
  metadata: z.unknown().optional().describe("Accepted and ignored."),
};

/** Everything but the recipients. */
export const BatchFields = z.strictObject(fields);
export type BatchFields = z.infer<typeof BatchFields>;

export const batchFieldNames: readonly string[] = [...Object.keys(fields), "recipients"];

export const BatchRequest = z
  .strictObject({ ...fields, recipients: z.array(RecipientInput).min(1).max(MAX_RECIPIENTS) })
  .meta({
    id: "CreateBatch",
    examples: [
      {
        agent_id: "agent_125207e452f8714a",
        from_number: "+12025550100",
        name: "Tuesday appointment reminders",
        prompt:
          "You are Sarah from Bright Smile Dental. Call to remind the patient about their check-up tomorrow " +
          "and confirm they can attend.",
        timezone: "America/New_York",
        recipients: [
          { phone: "+12025550101" },
          { phone: "+12025550102", variables: { patient_name: "John" } },
          { phone: "+12025550103" },
        ],
        schedule_type: "schedule",
        scheduled_date: "2030-06-17",
        window_start_minutes: 540,
        window_end_minutes: 1080,
        window_days: ["mon", "tue", "wed", "thu", "fri"],
      },
    ],
  });
export type BatchRequest = z.input<typeof BatchRequest>;

export const InvalidEntry = z.object({
  phone: z.string(),
  reason: z.string(),
  row_index: z.number(),
});

export const CreatedBatch = z
  .object({
    campaign_id: z.string(),
    status: z.enum(["scheduled", "running", "paused", "completed", "canceled", "failed"]),
    valid_count: z.number(),
    invalid_count: z.number(),
    invalid: z
      .array(InvalidEntry)
      .describe("At most the first 1,000; `state=invalid` of the recipients has all."),
    duplicate_count: z.number().describe("Recipients whose phone stands earlier in the list."),
    suppressed_count: z
      .number()
      .describe("Of the valid ones, those on a suppression list: they are not called."),
    timezone: z.string().describe("Zone of the window, resolved."),
  })
  .meta({
    id: "CreatedBatch",
    examples: [
      {
        campaign_id: "batchcall_7f8fe206a5522cb7",
        status: "running",
        valid_count: 3,
        invalid_count: 0,
        invalid: [],
        duplicate_count: 0,
        suppressed_count: 0,
        timezone: "Europe/London",
      },
    ],
  });
export type CreatedBatch = z.infer<typeof CreatedBatch>;

export const batchFieldCodes: FieldCodes = {
  agent_id: { isRequired: true },
  prompt: { too_long: "prompt_too_long", isRequired: true },
};
