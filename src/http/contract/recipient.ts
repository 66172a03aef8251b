// One recipient with everything that is known of it: every call, every event, and what holds it
// back now.

import { z } from "zod";

import { CallStatusWord } from "./call.ts";
import { Recipient } from "./campaign.ts";

export const RecipientParams = z.object({
  campaign_id: z.string(),
  row: z
    .string()
    .regex(/^\d{1,9}$/, { error: "must be a whole number, counted from 0" })
    .transform(Number)
    .describe("The recipient's row_index: its place in the list, from 0."),
});

const instant = z.string().nullable();

const CallEvent = z.object({
  at: z.string().describe("When it reached us; the carrier's own time is in the facts."),
  kind: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

export const RecipientCall = z
  .object({
    call_id: z.string(),
    carrier_call_id: z.string().nullable(),
    attempt: z.number(),
    call_status: CallStatusWord,
    ended_reason: z.string().nullable().describe("null while the call lives."),
    answered_by: z.enum(["human", "machine", "fax", "unknown"]).nullable(),
    error_code: z.number().nullable().describe("The carrier's."),
    error_message: z.string().nullable(),
    created_at: z.string(),
    dial_at: instant.describe("When it was to be dialed."),
    sent_at: instant.describe("When the carrier was asked; null: it never was."),
    ringing_at: instant,
    answered_at: instant,
    ended_at: instant,
    events: z.array(CallEvent).describe("In order of arrival; at most the first 200."),
    events_count: z.number().describe("All of them."),
  })
  .meta({ id: "RecipientCall" });
export type RecipientCall = z.infer<typeof RecipientCall>;

export const RecipientDetail = z
  .object({
    ...Recipient.shape,
    calls: z.array(RecipientCall).describe("Oldest first; at most the newest 50."),
  })
  .meta({ id: "RecipientDetail" });
