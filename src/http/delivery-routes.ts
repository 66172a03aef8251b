// The log of webhook deliveries, sending them once more, and sending a test.

import { AppError } from "../domain/app-error.ts";
import { newRowId } from "../domain/ids.ts";
import { enqueueTestDeliveries } from "../store/deliveries.ts";
import {
  findDelivery,
  listDeliveries,
  replayDeliveries,
  replayDelivery,
  type DeliveryRow,
} from "../store/delivery-log.ts";
import {
  Delivery,
  DeliveryList,
  DeliveryListQuery,
  DeliveryParams,
  Replayed,
  replayFieldCodes,
  ReplayRequest,
  TestedWebhook,
  TestWebhookRequest,
} from "./contract/webhook.ts";
import { isoTime, isoTimeOrNull } from "./iso-time.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addDeliveryRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addRead(app, dependencies);
  addReplay(app, dependencies);
  addReplayRange(app, dependencies);
  addTest(app, dependencies);
}

function addRead(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/webhooks/deliveries",
    config: { access: "key" },
    schema: {
      tags: ["Webhooks"],
      summary: "List webhook deliveries, newest first",
      description: "The last 5,000 delivered and the last 5,000 failed ones are kept.",
      operationId: "listDeliveries",
      querystring: DeliveryListQuery,
      response: { 200: DeliveryList, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const { state, event, call_id, campaign_id, limit, offset } = request.query;
      const rows = await listDeliveries(database, keyOf(request).id, {
        state: state ?? null,
        event: event ?? null,
        callId: call_id ?? null,
        campaignId: campaign_id ?? null,
        limit,
        offset,
      });
      return { deliveries: rows.map(presentDelivery), count: rows.length };
    },
  });
  app.route({
    method: "GET",
    url: "/v1/webhooks/deliveries/:delivery_id",
    config: { access: "key" },
    schema: {
      tags: ["Webhooks"],
      summary: "Get a webhook delivery",
      operationId: "getDelivery",
      params: DeliveryParams,
      response: { 200: Delivery, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const row = await findDelivery(database, keyOf(request).id, request.params.delivery_id);
      if (row === null) throw deliveryNotFound();
      return presentDelivery(row);
    },
  });
}

function addReplay(app: RouteApp, { database, clock, engine }: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/webhooks/deliveries/:delivery_id/replay",
    config: { access: "key" },
    schema: {
      tags: ["Webhooks"],
      summary: "Send a delivery once more",
      description:
        "At once, with all its attempts, under the same webhook-id, to the address that is set now.",
      operationId: "replayDelivery",
      params: DeliveryParams,
      response: { 200: Delivery, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const { delivery_id } = request.params;
      const row = await replayDelivery(database, keyOf(request).id, delivery_id, clock.now());
      if (row === null) throw deliveryNotFound();
      engine.wake();
      return presentDelivery(row);
    },
  });
}

function addReplayRange(app: RouteApp, { database, clock, engine }: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/webhooks/deliveries/replay",
    config: { access: "key", fieldCodes: replayFieldCodes },
    schema: {
      tags: ["Webhooks"],
      summary: "Send the deliveries of a time once more",
      operationId: "replayDeliveries",
      body: ReplayRequest,
      response: { 200: Replayed, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const { since, until, state, event } = request.body;
      const replayed = await replayDeliveries(database, keyOf(request).id, {
        state,
        event: event ?? null,
        since,
        until: until ?? null,
        now: clock.now(),
      });
      engine.wake();
      return { replayed };
    },
  });
}

function addTest(app: RouteApp, { database, clock, random, engine }: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/webhooks/test",
    config: { access: "key" },
    schema: {
      tags: ["Webhooks"],
      summary: "Send webhook.test",
      description:
        "To the agent's address, to the number's two, or to all of them when both are named.",
      operationId: "testWebhook",
      body: TestWebhookRequest,
      response: { 201: TestedWebhook, ...errorAnswers(400) },
    },
    handler: async (request, reply) => {
      const agentId = request.body.agent_id ?? null;
      const phone = request.body.phone_number ?? null;
      if (agentId === null && phone === null) {
        const message = "Say whose addresses: agent_id, phone_number or both.";
        throw new AppError("missing_field", { message, details: { field: "agent_id" } });
      }
      const deliveryIds = await enqueueTestDeliveries(database, {
        nonce: newRowId("msg", random),
        keyId: keyOf(request).id,
        agentId,
        phone,
        now: clock.now(),
      });
      if (deliveryIds.length === 0) {
        const message = "No webhook address is set there: set the agent's or the number's first.";
        throw new AppError("webhook_not_set", { message });
      }
      engine.wake();
      return reply.code(201).send({ delivery_ids: [...deliveryIds] });
    },
  });
}

function presentDelivery(row: DeliveryRow): Delivery {
  return {
    delivery_id: row.id,
    event: row.event,
    slot: row.slot,
    call_id: row.callId,
    campaign_id: row.campaignId,
    agent_id: row.agentId,
    state: row.state,
    attempts: row.attempts,
    next_attempt_at: isoTimeOrNull(row.dueAt),
    url: row.url,
    attempted_at: isoTimeOrNull(row.attemptedAt),
    duration_ms: row.durationMs,
    response_status: row.responseStatus,
    response_body: row.responseBody,
    error: row.error,
    settled_at: isoTimeOrNull(row.settledAt),
    created_at: isoTime(row.createdAt),
  };
}

function deliveryNotFound(): AppError {
  return new AppError("delivery_not_found", { message: "There is no such delivery." });
}
