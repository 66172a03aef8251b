// Calls whose fate nobody could find out: their evidence, and a person's decision.

import { z } from "zod";

import { HAND_OUTCOMES } from "../../domain/hand-settlement.ts";
import { RECIPIENT_STATES } from "../../domain/recipient-state.ts";
import { CallStatusWord } from "./call.ts";
import { pageFields } from "./page.ts";

const instant = z.string().nullable();

const Candidate = z.object({
  carrier_call_id: z.string(),
  status: z.string(),
  created_at: instant,
});

const Look = z.object({
  at: z.string(),
  look: z.number().describe("1 to 3, for each dial."),
  dial_number: z.number(),
  listed: z.number().describe("How many calls of this pair of numbers the carrier listed."),
  candidates: z
    .array(Candidate)
    .describe("Those made about then that belong to no other call of ours."),
});

export const HandSettlement = z
  .object({
    outcome: z.enum(HAND_OUTCOMES),
    at: z.string(),
    key_id: z.string(),
    carrier_call_id: z.string().nullable(),
    note: z.string().nullable(),
  })
  .meta({ id: "HandSettlement" });
export type HandSettlement = z.infer<typeof HandSettlement>;

export const CallEvidence = z
  .object({
    call_id: z.string(),
    campaign_id: z.string().nullable().describe("null: a single call."),
    row_index: z.number().nullable(),
    from_number: z.string(),
    to_number: z.string(),
    attempt: z.number(),
    dial_number: z.number().describe("How often the carrier was asked for it."),
    call_status: CallStatusWord,
    carrier_call_id: z.string().nullable(),
    sent_at: instant.describe("When the carrier was asked last; null: it is not asked now."),
    last_byte_at: instant.describe("No byte of the request was written after this."),
    ended_at: instant,
    recipient_state: z.enum(RECIPIENT_STATES),
    recipient_reason: z.string().nullable().describe("Why; for uncertain: what stayed open."),
    looks: z.array(Look).describe("What the carrier's list showed at each look, oldest first."),
    events: z
      .array(
        z.object({
          at: z.string(),
          kind: z.string(),
          facts: z.record(z.string(), z.unknown()),
        }),
      )
      .describe("What happened to it, in order of arrival; at most the newest 200."),
    settlement: HandSettlement.nullable().describe("What a person decided last; null: nothing."),
  })
  .meta({ id: "CallEvidence" });
export type CallEvidence = z.infer<typeof CallEvidence>;

export const UncertainListQuery = z.object({
  ...pageFields({ defaultLimit: 50, maxLimit: 200 }),
  campaign_id: z.string().max(64).optional(),
});

export const UncertainList = z.object({
  calls: z.array(CallEvidence),
  count: z.number(),
  limit: z.number(),
  offset: z.number(),
});

export const SettleRequest = z
  .strictObject({
    outcome: z
      .enum(HAND_OUTCOMES)
      .describe(
        "not_called: it may be dialed again. canceled: nobody knows, and nobody is to be called.",
      ),
    carrier_call_id: z
      .string()
      .regex(/^[A-Za-z0-9]{1,64}$/, { error: "must be a carrier's call id: letters and digits" })
      .nullable()
      .optional()
      .describe("The carrier's call that it was, kept as evidence."),
    note: z.string().max(1_000).nullable().optional().describe("For whoever asks later."),
  })
  .refine((body) => body.outcome !== "not_called" || (body.carrier_call_id ?? null) === null, {
    path: ["carrier_call_id"],
    error: "cannot be given with not_called: a call that the carrier has was made",
  })
  .meta({ id: "SettleRequest" });
