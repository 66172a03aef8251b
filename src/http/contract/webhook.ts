// Webhooks to the user: their signing secret, the log of deliveries, replay and test. Carillon's
// own endpoints; what is delivered is in docs/webhooks.md.

import { z } from "zod";

import { WEBHOOK_EVENTS } from "../../domain/delivery.ts";
import type { FieldCodes } from "./field-codes.ts";
import { instantText } from "./instant-text.ts";
import { pageFields } from "./page.ts";

export const WebhookSecret = z
  .object({
    secret: z.string().describe("whsec_ and base64: as Standard Webhooks libraries take it."),
    previous_secret_valid_until: z
      .string()
      .nullable()
      .describe("Until then the secret before this one signs as well; null: it does not."),
  })
  .meta({ id: "WebhookSecret" });

const event = z.enum(WEBHOOK_EVENTS);
const instant = instantText("2030-06-15T09:00:00Z")
  .transform((text) => Date.parse(text))
  .pipe(z.number());

export const Delivery = z
  .object({
    delivery_id: z.string().describe("The webhook-id header, the same at every attempt."),
    event,
    slot: z
      .enum(["agent", "number", "number_2"])
      .describe("Whose address: the agent's, or one of the number's two."),
    call_id: z.string().nullable(),
    campaign_id: z.string().nullable(),
    agent_id: z.string(),
    state: z.enum(["pending", "delivered", "failed"]),
    attempts: z.number(),
    next_attempt_at: z.string().nullable(),
    url: z.string().nullable().describe("Of the last attempt, as are the fields below."),
    attempted_at: z.string().nullable(),
    duration_ms: z.number().nullable(),
    response_status: z.number().nullable(),
    response_body: z.string().nullable().describe("Its first 1,000 characters."),
    error: z.string().nullable().describe("Why there was no answer."),
    settled_at: z.string().nullable(),
    created_at: z.string(),
  })
  .meta({ id: "Delivery" });
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryList = z
  .object({ deliveries: z.array(Delivery), count: z.number() })
  .meta({ id: "DeliveryList" });

export const DeliveryListQuery = z.object({
  ...pageFields({ defaultLimit: 50, maxLimit: 200 }),
  state: z.enum(["pending", "delivered", "failed"]).optional(),
  event: event.optional(),
  call_id: z.string().max(64).optional(),
  campaign_id: z.string().max(64).optional(),
});

export const DeliveryParams = z.object({ delivery_id: z.string() });

export const ReplayRequest = z
  .object({
    since: instant.describe("ISO 8601. Events that happened then or later."),
    until: instant.nullable().optional().describe("ISO 8601, not included; default: now."),
    state: z.enum(["delivered", "failed"]).default("failed"),
    event: event.nullable().optional(),
  })
  .meta({ id: "Replay", examples: [{ since: "2026-06-15T09:00:00Z", state: "failed" }] });

export const replayFieldCodes: FieldCodes = { since: { isRequired: true } };

export const Replayed = z.object({ replayed: z.number() }).meta({ id: "Replayed" });

export const TestWebhookRequest = z
  .object({
    agent_id: z.string().max(64).nullable().optional(),
    phone_number: z.string().max(64).nullable().optional(),
  })
  .meta({ id: "TestWebhook", examples: [{ agent_id: "agent_125207e452f8714a" }] });

export const TestedWebhook = z
  .object({ delivery_ids: z.array(z.string()) })
  .meta({ id: "TestedWebhook" });
