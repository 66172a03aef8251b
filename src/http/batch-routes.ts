// POST /v1/calls/batch (contract, Part A) and its preview. The body is kept as bytes: 100,000
// recipients are parsed away from the main thread, and no transaction is open while they arrive.

import { AppError } from "../domain/app-error.ts";
import { newCampaignId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { createBatch } from "./batch-create.ts";
import { createBatchParser, type BatchParser } from "./batch-parser.ts";
import { previewBatch } from "./batch-preview.ts";
import { BatchRequest, CreatedBatch } from "./contract/batch.ts";
import { BatchPreview, PreviewQuery } from "./contract/preview.ts";
import { beginIdempotentWork, sendStored } from "./idempotency.ts";
import { isoTime } from "./iso-time.ts";
import { errorAnswers, keyOf, validatorCompiler, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

// Bodies that arrive or wait are held in memory; together they may take this many times the largest
// one.
const MAX_HELD_BODIES = 8;

export function addBatchRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  const parser = createBatchParser();
  void app.register((scope: RouteApp) => {
    scope.removeContentTypeParser("application/json");
    scope.addContentTypeParser<Buffer>(
      "application/json",
      { parseAs: "buffer", bodyLimit: dependencies.settings.maxBodyBytes },
      (_request, body, done) => {
        done(null, body);
      },
    );
    boundHeldBodies(scope, dependencies.settings.maxBodyBytes);
    addCreate(scope, dependencies, parser);
    addPreview(scope, dependencies, parser);
    return Promise.resolve();
  });
}

function addCreate(app: RouteApp, dependencies: HttpDependencies, parser: BatchParser): void {
  const { clock, random, engine, settings } = dependencies;
  app.route({
    method: "POST",
    url: "/v1/calls/batch",
    bodyLimit: settings.maxBodyBytes,
    config: { access: "key", idempotency: "own" },
    schema: {
      tags: ["Campaigns"],
      summary: "Create a batch campaign",
      description:
        "Queues up to 100,000 calls. An identical body within 10 minutes answers the first campaign (`Idempotent-Replayed: true`) unless `allow_duplicate` is true or an Idempotency-Key is sent. Unknown fields are refused.",
      operationId: "createBatch",
      body: BatchRequest,
      response: { 201: CreatedBatch, ...errorAnswers(400, 404, 409, 413, 415, 503) },
    },
    // The body is still bytes here; parseBatch checks it.
    validatorCompiler: () => (data: unknown) => ({ value: data }),
    handler: async (request, reply) => {
      const key = keyOf(request);
      const body: unknown = request.body;
      const now = clock.now();
      const context = { campaignId: newCampaignId(random), keyId: key.id, createdAt: now };
      const batch = await parser.parse({
        body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
        campaignId: context.campaignId,
        keyId: key.id,
        createdAt: isoTime(now),
        purpose: "create",
        allowedCountries: key.allowedCountries,
      });
      request.bodyHash = batch.bodyHash;
      if (await beginIdempotentWork(dependencies, request, reply)) return reply;
      if (batch.kind === "refused") {
        throw new AppError(batch.code, { message: batch.message, details: batch.details });
      }
      const answer = await createBatch(dependencies, request, batch, context);
      engine.wake();
      if (answer.isReplay) void reply.header("idempotent-replayed", "true");
      return sendStored(reply, answer);
    },
  });
}

// Further from now nobody plans calls; it bounds what the arithmetic of zones has to reach.
const MAX_PLANNED_MS = 3_660 * 86_400_000;

function addPreview(app: RouteApp, dependencies: HttpDependencies, parser: BatchParser): void {
  const { clock, random, settings } = dependencies;
  app.route({
    method: "POST",
    url: "/v1/calls/batch/preview",
    bodyLimit: settings.maxBodyBytes,
    config: { access: "key", idempotency: "never" },
    schema: {
      tags: ["Campaigns"],
      summary: "Preview a batch campaign",
      description:
        "Takes the body of a create, creates nothing, and says who would be called, when, until when, and what to mind. Invalid phones are listed, never refused.",
      operationId: "previewBatch",
      querystring: PreviewQuery,
      body: BatchRequest,
      response: { 200: BatchPreview, ...errorAnswers(400, 404, 413, 415, 503) },
    },
    // The body is still bytes here; parseBatch checks it.
    validatorCompiler: ({ schema, httpPart }) =>
      httpPart === "body" ? (data: unknown) => ({ value: data }) : validatorCompiler({ schema }),
    handler: async (request) => {
      const key = keyOf(request);
      const createdAt = plannedFrom(request.query.from, clock.now());
      const context = { campaignId: newCampaignId(random), keyId: key.id, createdAt };
      const body: unknown = request.body;
      const batch = await parser.parse({
        body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
        campaignId: context.campaignId,
        keyId: key.id,
        createdAt: isoTime(createdAt),
        purpose: "preview",
        allowedCountries: key.allowedCountries,
      });
      if (batch.kind === "refused") {
        throw new AppError(batch.code, { message: batch.message, details: batch.details });
      }
      return previewBatch(dependencies, batch, context, request.query);
    },
  });
}

function plannedFrom(from: Instant | undefined, now: Instant): Instant {
  if (from === undefined || Math.abs(from - now) <= MAX_PLANNED_MS) return from ?? now;
  const message = "from must be within ten years of now.";
  throw new AppError("invalid_request", { message, details: { field: "from" } });
}

/** Refuses further bodies while those being held may fill the memory set aside for them. */
function boundHeldBodies(app: RouteApp, maxBodyBytes: number): void {
  const maxHeldBytes = MAX_HELD_BODIES * maxBodyBytes;
  const held = new Map<string, number>();
  let heldBytes = 0;
  app.addHook("preParsing", (request, _reply, payload, done) => {
    const announced = Number(request.headers["content-length"] ?? maxBodyBytes);
    const bytes = Math.min(announced, maxBodyBytes);
    if (heldBytes + bytes > maxHeldBytes) {
      const message =
        "The server holds as many large bodies as it can. Send this one again in a moment.";
      done(new AppError("server_busy", { message, retryAfterSeconds: 5 }));
      return;
    }
    held.set(request.id, bytes);
    heldBytes += bytes;
    done(null, payload);
  });
  const release = (requestId: string): void => {
    heldBytes -= held.get(requestId) ?? 0;
    held.delete(requestId);
  };
  app.addHook("onResponse", (request, _reply, done) => {
    release(request.id);
    done();
  });
  app.addHook("onRequestAbort", (request, done) => {
    release(request.id);
    done();
  });
}
