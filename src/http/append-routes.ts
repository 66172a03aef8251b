// POST /v1/calls/batch/{campaign_id}/recipients. A request's life: whose campaign → how many lists
// are under way → body into a file → idempotency key → parsed away from the main thread → written
// in one transaction.

import type { IncomingMessage } from "node:http";

import type { FastifyReply, FastifyRequest } from "fastify";
import type { ZodType } from "zod";

import { AppError } from "../domain/app-error.ts";
import { textFault } from "../domain/plain-text.ts";
import type { ZoneFrame } from "../domain/zone-grouping.ts";
import { findCampaign, windowOfCampaign } from "../store/campaign-list.ts";
import { readGroupZones } from "../store/zone-groups.ts";
import { createAppendParser } from "./append-parser.ts";
import type { ListFormat } from "./append-parsing.ts";
import { createUploads, type Uploads } from "./append-uploads.ts";
import { writeAppend } from "./append-write.ts";
import { campaignNotFound } from "./own-campaign.ts";
import { AppendQuery, AppendRequest, AppendedRecipients } from "./contract/append.ts";
import { CampaignParams } from "./contract/campaign.ts";
import { beginIdempotentWork, beginOnceOnly, LIST_LOCK_MS, sendStored } from "./idempotency.ts";
import { isoTime } from "./iso-time.ts";
import type { SpooledList } from "./list-spool.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

// Generous: a country's worth of recipients. Disk is what they take, not memory.
const MAX_LIST_BYTES = 1024 * 1024 * 1024;
const MAX_LIST_ROWS = 5_000_000;

const FORMATS: Readonly<Record<string, ListFormat>> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "text/csv": "csv",
};

export function addAppendRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  const uploads = createUploads();
  void app.register((scope: RouteApp) => {
    addListParsers(scope, uploads, dependencies.settings.maxBodyBytes);
    addUploadHooks(scope, uploads, dependencies);
    addAppend(scope, dependencies, uploads);
    return Promise.resolve();
  });
}

/** @param maxJsonBytes JSON is read whole; the other forms are not. */
function addListParsers(scope: RouteApp, uploads: Uploads, maxJsonBytes: number): void {
  scope.removeAllContentTypeParsers();
  for (const [type, format] of Object.entries(FORMATS)) {
    const maxBytes = format === "json" ? Math.min(maxJsonBytes, MAX_LIST_BYTES) : MAX_LIST_BYTES;
    scope.addContentTypeParser(type, async (request: FastifyRequest, body: IncomingMessage) => {
      const spooled = await uploads.spoolOf(request).fill(body, format, maxBytes);
      request.bodyHash = spooled.bodyHash;
      return spooled;
    });
  }
  scope.addContentTypeParser<Buffer>("*", { parseAs: "buffer" }, (_request, body, done) => {
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    const message = `Send the list with one of these types: ${Object.keys(FORMATS).join(", ")}.`;
    done(new AppError("unsupported_media_type", { message }));
  });
}

function addUploadHooks(scope: RouteApp, uploads: Uploads, dependencies: HttpDependencies): void {
  scope.addHook("preParsing", async (request) => {
    const { campaign_id } = request.params as { campaign_id: string };
    const keyId = keyOf(request).id;
    // No such text can be an id; the database would not even take it.
    if (textFault(campaign_id) !== null) throw campaignNotFound();
    const campaign = await findCampaign(dependencies.database, keyId, campaign_id);
    if (campaign === null) throw campaignNotFound();
    const encoding = request.headers["content-encoding"] ?? "identity";
    if (encoding !== "identity") {
      const message = "Compressed lists are not taken: send the body without Content-Encoding.";
      throw new AppError("unsupported_media_type", { message });
    }
    uploads.open(request, keyId);
  });
  scope.addHook("onResponse", (request) => uploads.close(request));
  scope.addHook("onRequestAbort", (request) => uploads.close(request));
}

function addAppend(app: RouteApp, dependencies: HttpDependencies, uploads: Uploads): void {
  const append = createAppend(dependencies);
  app.route({
    method: "POST",
    url: "/v1/calls/batch/:campaign_id/recipients",
    bodyLimit: MAX_LIST_BYTES,
    config: { access: "key", idempotency: "own" },
    schema: {
      tags: ["Campaigns"],
      summary: "Append recipients to a campaign that has not ended",
      description:
        "As JSON (up to 100,000), NDJSON (one recipient a line) or CSV (header row; `phone`, `prompt_override`, `timezone`, and a variable for every other column), the last two up to 1 GB and 5,000,000 recipients. All or nothing. An identical request within 10 minutes is answered as the first time (`Idempotent-Replayed: true`) unless `allow_duplicate` is true or an Idempotency-Key is sent.",
      operationId: "appendRecipients",
      consumes: Object.keys(FORMATS),
      params: CampaignParams,
      querystring: AppendQuery,
      body: AppendRequest,
      response: { 201: AppendedRecipients, ...errorAnswers(400, 404, 409, 413, 415, 503) },
    },
    // The body is a file here; parseAppend checks it.
    validatorCompiler:
      ({ schema, httpPart }) =>
      (data: unknown) => {
        if (httpPart === "body") return { value: data };
        const result = (schema as unknown as ZodType).safeParse(data, { reportInput: true });
        return result.success ? { value: result.data } : { error: result.error };
      },
    handler: async (request, reply) => {
      const { release } = uploads.take(request);
      try {
        const { campaign_id } = request.params;
        return await append(request, reply, campaign_id, request.query);
      } finally {
        await release();
      }
    },
  });
}

type Append = (
  request: FastifyRequest,
  reply: FastifyReply,
  campaignId: string,
  query: AppendQuery,
) => Promise<FastifyReply>;

function createAppend(dependencies: HttpDependencies): Append {
  const { clock, engine } = dependencies;
  const parser = createAppendParser();
  return async (request, reply, campaignId, query) => {
    const key = keyOf(request);
    const list = spooledOf(request.body);
    const parsed = await parser.parse(
      {
        bodyPath: list.bodyPath,
        rowsPath: list.rowsPath,
        format: list.format,
        campaignId,
        keyId: key.id,
        createdAt: isoTime(clock.now()),
        allowedCountries: key.allowedCountries,
        maxRows: MAX_LIST_ROWS,
        zones: await zonesOf(dependencies, key.id, campaignId),
        options: {
          skipInvalid: query.skip_invalid === "true",
          skipDuplicates: query.skip_duplicates === "true",
          allowDuplicate: query.allow_duplicate === "true",
        },
      },
      list.bytes,
    );
    if (await beginIdempotentWork(dependencies, request, reply, LIST_LOCK_MS)) return reply;
    if (parsed.kind === "refused") {
      throw new AppError(parsed.code, { message: parsed.message, details: parsed.details });
    }
    // A request with an Idempotency-Key says by that key what is the same.
    const mayRepeat = request.idempotentWork !== null || parsed.options.allowDuplicate;
    if (!mayRepeat && (await beginOnceOnly(dependencies, request, reply))) return reply;
    const { rowsPath } = list;
    const rows = { campaignId, keyId: key.id, rowsPath, parsed };
    const answer = await writeAppend(dependencies, request, rows);
    engine.wake();
    return sendStored(reply, answer);
  };
}

/** What the recipients of a campaign in their own zones are grouped by; null: it has one zone. */
async function zonesOf(
  { database, clock }: HttpDependencies,
  keyId: string,
  campaignId: string,
): Promise<ZoneFrame | null> {
  const campaign = await findCampaign(database, keyId, campaignId);
  if (campaign === null) throw campaignNotFound();
  const window = windowOfCampaign(campaign);
  if (campaign.zoneMode === "campaign" || window === null) return null;
  const firstDate = campaign.startedAt === null ? campaign.scheduledDate : null;
  const groups = await readGroupZones(database, campaignId);
  return { window, firstDate, now: clock.now(), groups };
}

function spooledOf(body: unknown): SpooledList {
  if (typeof body === "object" && body !== null && "bodyPath" in body) return body as SpooledList;
  const message = "The body must hold the recipients to append.";
  throw new AppError("missing_field", { message, details: { field: "recipients" } });
}
