// One attempt at one delivery: read what there is to tell, sign it, send it, write down what came
// of it. At least once: a process that dies after sending and before writing sends again.

import { decideDelivery, type DeliveryResult } from "../domain/delivery.ts";
import type { Instant } from "../domain/instant.ts";
import type { OutboundOutcome } from "../ports/outbound.ts";
import { findCall } from "../store/call-list.ts";
import { findCampaign, readCampaignProgress } from "../store/campaign-list.ts";
import {
  readDeliveryTarget,
  settleDelivery,
  type AttemptRecord,
  type ClaimedDelivery,
} from "../store/delivery-queue.ts";
import type { JobsDependencies } from "./jobs-dependencies.ts";
import { callPayload, campaignPayload, testPayload, type WebhookPayload } from "./payload.ts";
import { signedHeaders } from "./signed-headers.ts";

/** Name, connection, request and answer together. Source: contract B.12. */
export const ATTEMPT_TIMEOUT_MS = 10_000;
/** Of an answer's body in the log: enough to read an error message. */
const MAX_LOGGED_CHARACTERS = 1_000;

export async function deliver(deps: JobsDependencies, delivery: ClaimedDelivery): Promise<void> {
  const { clock, database } = deps;
  const at = clock.now();
  const startedMs = clock.monotonicMs();
  const outcome = await attempt(deps, delivery, at);
  const decision = decideDelivery(outcome.result, delivery.attempts + 1, clock.now());
  const record: AttemptRecord = {
    ...outcome.record,
    at,
    durationMs: Math.round(clock.monotonicMs() - startedMs),
  };
  await settleDelivery(database, delivery, decision, record, clock.now());
  deps.log.info(
    {
      deliveryId: delivery.id,
      event: delivery.event,
      state: decision.state,
      status: record.responseStatus,
      durationMs: record.durationMs,
    },
    "a webhook was tried",
  );
}

interface Attempt {
  readonly result: DeliveryResult;
  readonly record: Omit<AttemptRecord, "at" | "durationMs">;
}

async function attempt(
  deps: JobsDependencies,
  delivery: ClaimedDelivery,
  now: Instant,
): Promise<Attempt> {
  const target = await readDeliveryTarget(deps.database, delivery.id);
  const url = target?.url ?? null;
  if (url === null) return impossible(null, "the address was taken away");
  const payload = await payloadOf(deps, delivery, now);
  if (payload === null) return impossible(url, "what it told about was deleted");
  const body = JSON.stringify(payload);
  const message = { keyId: delivery.keyId, id: delivery.id, body };
  const headers = await signedHeaders(deps, message, now);
  const outcome = await deps.outbound.send({
    url,
    method: "POST",
    headers,
    body,
    timeoutMs: ATTEMPT_TIMEOUT_MS,
  });
  return attemptOf(url, outcome);
}

function impossible(url: string | null, error: string): Attempt {
  return {
    result: { kind: "impossible" },
    record: { url, error, responseStatus: null, responseBody: null },
  };
}

function attemptOf(url: string, outcome: OutboundOutcome): Attempt {
  switch (outcome.kind) {
    case "forbidden":
      return impossible(url, outcome.reason);
    case "failed":
      return {
        result: { kind: "lost" },
        record: { url, error: outcome.reason, responseStatus: null, responseBody: null },
      };
    case "answered": {
      const { status } = outcome;
      return {
        result: { kind: "answered", status },
        record: {
          url,
          error: null,
          responseStatus: status,
          // PostgreSQL's text holds no NUL.
          responseBody: outcome.body.slice(0, MAX_LOGGED_CHARACTERS).replaceAll("\0", "\uFFFD"),
        },
      };
    }
  }
}

/** null: the call or the campaign is gone. */
async function payloadOf(
  { database, publicUrl }: JobsDependencies,
  delivery: ClaimedDelivery,
  now: Instant,
): Promise<WebhookPayload | null> {
  const { event, keyId, callId, campaignId } = delivery;
  switch (event) {
    case "call.started":
    case "call.completed":
    case "call.analyzed": {
      const call = callId === null ? null : await findCall(database, keyId, callId);
      return call === null ? null : callPayload(event, call, publicUrl);
    }
    case "campaign.started":
    case "campaign.completed": {
      const campaign = campaignId === null ? null : await findCampaign(database, keyId, campaignId);
      if (campaign === null) return null;
      return campaignPayload(event, campaign, await readCampaignProgress(database, campaign.id));
    }
    case "webhook.test":
      return testPayload(delivery.agentId, now);
  }
}
