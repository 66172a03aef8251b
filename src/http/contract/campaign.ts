// Reading and steering campaigns: list, one, its recipients, and the four verbs (contract B.3;
// Carillon's own fields).

import { z } from "zod";

import { RECIPIENT_STATES } from "../../domain/recipient-state.ts";
import { MAX_PROMPT_LENGTH } from "../../domain/batch-request.ts";
import { MAX_CAMPAIGN_NAME_LENGTH } from "./batch.ts";
import { ExpiresAt, PacingShare, Retry, RetryPolicyShown } from "./campaign-fields.ts";
import type { FieldCodes } from "./field-codes.ts";
import { pageFields } from "./page.ts";

export const CampaignStatus = z.enum([
  "scheduled",
  "running",
  "paused",
  "completed",
  "canceled",
  "failed",
]);

export const RecipientState = z.enum(RECIPIENT_STATES);

export const CampaignParams = z.object({ campaign_id: z.string() });

const summary = {
  campaign_id: z.string(),
  agent_id: z.string(),
  from_number: z.string(),
  name: z.string().nullable(),
  status: CampaignStatus,
  status_reason: z.string().nullable().describe("Why it is paused, canceled or failed."),
  schedule_type: z.enum(["now", "schedule"]),
  scheduled_date: z.string().nullable(),
  window_start_minutes: z.number().nullable(),
  window_end_minutes: z.number().nullable(),
  window_days: z.array(z.string()).nullable(),
  timezone: z.string().describe("Zone of the window; `recipient`: each recipient's own."),
  window_overridden_until: z
    .string()
    .nullable()
    .describe("A launch by hand calls outside the window until here."),
  recipients_count: z
    .number()
    .describe("Recipients with a valid phone, the suppressed ones among them."),
  invalid_count: z.number().describe("Entries that were skipped because their phone was invalid."),
  duplicate_count: z.number(),
  suppressed_count: z
    .number()
    .describe("Recipients that were on a suppression list when they were added. Now: counts."),
  pacing_share: z.number(),
  retry: RetryPolicyShown.nullable().describe("null: one call per recipient."),
  expires_at: z.string().nullable(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
};

export const CampaignSummary = z.object(summary).meta({ id: "CampaignSummary" });
export type CampaignSummary = z.infer<typeof CampaignSummary>;

export const Campaign = z
  .object({
    ...summary,
    prompt: z.string(),
    counts: z.record(z.string(), z.number()).describe("Recipients by state; every state is there."),
    ended_reasons: z.record(z.string(), z.number()).describe("Ended calls by ended_reason."),
    next_dial_at: z
      .string()
      .nullable()
      .describe("Earliest instant of the next call. null: nobody waits, or it is paused or ended."),
    held_back_by: z
      .object({
        rule: z.string().describe("For programs."),
        message: z.string().describe("For people."),
        until: z.string().nullable().describe("If that is known."),
      })
      .nullable()
      .describe("Why nobody is dialed now. null: somebody may be, or nobody waits."),
  })
  .meta({ id: "Campaign" });
export type Campaign = z.infer<typeof Campaign>;

export const CampaignList = z
  .object({
    campaigns: z.array(CampaignSummary),
    count: z.number().describe("Campaigns in this answer."),
  })
  .meta({ id: "CampaignList" });

export const CampaignListQuery = z.object({
  ...pageFields({ defaultLimit: 50, maxLimit: 200 }),
  status: CampaignStatus.optional(),
});

export const NotDialedBecause = z
  .object({
    rule: z.string().describe("For programs."),
    message: z.string().describe("For people."),
  })
  .meta({
    id: "NotDialedBecause",
    examples: [{ rule: "outside_window", message: "The calling window is closed." }],
  });

export const Recipient = z
  .object({
    row_index: z.number(),
    phone: z.string(),
    variables: z.record(z.string(), z.unknown()),
    state: RecipientState,
    state_reason: z.string().nullable(),
    attempts: z.number(),
    time_zones: z
      .array(z.string())
      .nullable()
      .describe(
        "Zones the phone may be in; the window must be open in all. null: the campaign's zone.",
      ),
    call_ids: z.array(z.string()),
    not_dialed_because: NotDialedBecause.nullable().describe(
      "The rule that holds the recipient back now.",
    ),
    until: z.string().nullable().describe("Until when that rule holds, if that is known."),
  })
  .meta({ id: "Recipient" });
export type Recipient = z.infer<typeof Recipient>;

export const RecipientList = z
  .object({
    recipients: z.array(Recipient),
    count: z.number(),
    limit: z.number(),
    offset: z.number(),
  })
  .meta({ id: "RecipientList" });

export const RecipientListQuery = z.object({
  ...pageFields({ defaultLimit: 100, maxLimit: 1000 }),
  state: RecipientState.optional(),
});

export const LaunchRequest = z
  .object({
    respect_window: z
      .boolean()
      .default(false)
      .describe("true: start today, but wait for the calling window."),
  })
  .meta({ id: "LaunchCampaign", examples: [{ respect_window: true }] });

export const CancelRequest = z
  .object({ hang_up: z.boolean().default(false).describe("true: end live calls too.") })
  .meta({ id: "CancelCampaign", examples: [{ hang_up: false }] });

const windowBound = z.number().nullable().optional();

export const EditCampaignRequest = z
  .strictObject({
    name: z.string().max(MAX_CAMPAIGN_NAME_LENGTH).nullable().optional(),
    prompt: z.string().min(1).max(MAX_PROMPT_LENGTH).optional().describe("For calls to come."),
    scheduled_date: z
      .string()
      .max(32)
      .optional()
      .describe("YYYY-MM-DD; only before the campaign has started."),
    window_start_minutes: windowBound.describe("null takes the bound away."),
    window_end_minutes: windowBound.describe("null takes the bound away."),
    window_days: z.array(z.string().max(16)).max(7).nullable().optional(),
    timezone: z.string().max(64).optional().describe("IANA zone of the window."),
    pacing_share: PacingShare.optional(),
    expires_at: ExpiresAt.nullable().optional(),
    retry: Retry.nullable().optional().describe("null: no more retries are planned."),
  })
  .meta({ id: "EditCampaign", examples: [{ window_end_minutes: 1140, pacing_share: 2 }] });
export type EditCampaignRequest = z.infer<typeof EditCampaignRequest>;

export const editFieldCodes: FieldCodes = {
  prompt: { too_long: "prompt_too_long", isRequired: true },
};

export const NoFields = z.object({}).meta({ id: "NoFields", examples: [{}] });

export const CampaignVerbAnswer = z
  .object({
    campaign_id: z.string(),
    status: CampaignStatus,
    recipients_count: z.number(),
    queued_count: z.number().describe("Recipients that still wait for their call."),
  })
  .meta({ id: "CampaignVerbAnswer" });
export type CampaignVerbAnswer = z.infer<typeof CampaignVerbAnswer>;

/** A stream: the server writes it line by line. */
export const ExportFile = z.unknown().describe("The file, CSV or NDJSON.");

export const ExportQuery = z.object({ format: z.enum(["csv", "ndjson"]).default("csv") });
