// Webhooks to the user: which events there are, and what becomes of a delivery after an attempt.

import type { Instant } from "./instant.ts";

export const WEBHOOK_EVENTS = [
  "call.started",
  "call.completed",
  "call.analyzed",
  "campaign.started",
  "campaign.completed",
  "webhook.test",
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export type CallWebhookEvent = Extract<WebhookEvent, `call.${string}`>;
export type CampaignWebhookEvent = Extract<WebhookEvent, `campaign.${string}`>;

export type DeliveryState = "pending" | "delivered" | "failed";

/** Whose address it goes to. */
export type DeliverySlot = "agent" | "number" | "number_2";

/** What one attempt came to. */
export type DeliveryResult =
  | { readonly kind: "answered"; readonly status: number }
  /** Never sent: the address is gone or not allowed, or there is nothing left to tell. */
  | { readonly kind: "impossible" }
  /** No answer. */
  | { readonly kind: "lost" };

export type DeliveryDecision =
  | { readonly state: "delivered" | "failed" }
  | { readonly state: "pending"; readonly dueAt: Instant };

/** Waits after the first, second, third and fourth failed attempt. Source: contract B.12. */
const RETRY_WAITS_MS = [5, 5, 5, 60].map((minutes) => minutes * 60_000);

/**
 * Delivered on 2xx and 3xx; failed for good on 4xx except 408 and 429; anything else is tried
 * again, five times in all. Source: contract B.12.
 * @param attempts made so far, this one included
 */
export function decideDelivery(
  result: DeliveryResult,
  attempts: number,
  now: Instant,
): DeliveryDecision {
  if (result.kind === "impossible") return { state: "failed" };
  if (result.kind === "answered") {
    const { status } = result;
    if (status >= 200 && status < 400) return { state: "delivered" };
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
      return { state: "failed" };
    }
  }
  const waitMs = RETRY_WAITS_MS[attempts - 1];
  return waitMs === undefined ? { state: "failed" } : { state: "pending", dueAt: now + waitMs };
}
