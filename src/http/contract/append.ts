// Appending recipients to a campaign: the JSON form of the body, the query of the other forms, and
// the answer. The body is read by src/http/append-parsing.ts, entry by entry.

import { z } from "zod";

import { MAX_RECIPIENTS } from "../../domain/batch-request.ts";
import { InvalidEntry, RecipientInput } from "./batch.ts";
import { CampaignStatus } from "./campaign.ts";

const flags = {
  skip_invalid: "true: append the valid phones only.",
  skip_duplicates: "true: leave out phones that the campaign or the list already has.",
  allow_duplicate: "true: even when an identical request was answered within the last 10 minutes.",
};

const fields = {
  skip_invalid: z.boolean().nullable().optional().describe(flags.skip_invalid),
  skip_duplicates: z.boolean().nullable().optional().describe(flags.skip_duplicates),
  allow_duplicate: z.boolean().nullable().optional().describe(flags.allow_duplicate),
};

export const AppendFields = z.strictObject(fields);
export type AppendFields = z.infer<typeof AppendFields>;

export const appendFieldNames: readonly string[] = [...Object.keys(fields), "recipients"];

export const AppendRequest = z
  .strictObject({ recipients: z.array(RecipientInput).min(1).max(MAX_RECIPIENTS), ...fields })
  .meta({
    id: "AppendRecipients",
    examples: [
      { recipients: [{ phone: "+12025550104", variables: { patient_name: "Ada" } }] },
      { recipients: [{ phone: "+12025550105" }, { phone: "12" }], skip_invalid: true },
    ],
  });

const flag = (description: string) => z.enum(["true", "false"]).optional().describe(description);

export const AppendQuery = z.object({
  skip_invalid: flag(flags.skip_invalid),
  skip_duplicates: flag(flags.skip_duplicates),
  allow_duplicate: flag(flags.allow_duplicate),
});
export type AppendQuery = z.infer<typeof AppendQuery>;

export const AppendedRecipients = z
  .object({
    campaign_id: z.string(),
    status: CampaignStatus,
    valid_count: z.number().describe("Recipients that were appended and may be called."),
    invalid_count: z.number(),
    invalid: z
      .array(InvalidEntry)
      .describe("At most the first 1,000, by their place in the list that was sent, from 0."),
    duplicate_count: z
      .number()
      .describe("Phones that the campaign had already, or that stand earlier in the list."),
    suppressed_count: z.number().describe("Recipients on a suppression list: they end at once."),
    first_row_index: z
      .number()
      .describe("`row_index` in the campaign of the first entry of the list."),
    recipients_count: z.number().describe("Recipients of the campaign that may be called, now."),
  })
  .meta({ id: "AppendedRecipients" });
export type AppendedRecipients = z.infer<typeof AppendedRecipients>;
