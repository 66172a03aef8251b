// POST /v1/suppressions: one phone, many, or a CSV. The list is read and checked whole before
// anything is written; then it is written in steps, each a transaction that also ends whoever waits
// for its phones. A list cut short is sent again: adding a phone twice is adding it once.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";

import type { FastifyRequest } from "fastify";

import { AppError } from "../domain/app-error.ts";
import { newRowId } from "../domain/ids.ts";
import type { SuppressionSource } from "../domain/suppression.ts";
import {
  addSuppressions,
  readSuppressions,
  type SuppressionsAdded,
} from "../store/suppressions.ts";
import {
  AddedSuppressions,
  AddSuppressionsQuery,
  AddSuppressionsRequest,
} from "./contract/suppression.ts";
import { presentSuppression } from "./present-suppression.ts";
import { errorAnswers, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";
import { readSuppressionCsv } from "./suppression-csv.ts";
import { createListReader, type SuppressionList } from "./suppression-list.ts";

// Each holds its rows, about 30 MB, until they are written.
const MAX_UPLOADS = 8;
const RETRY_AFTER_SECONDS = 5;
// A step locks whoever waits for its phones: some hundred milliseconds, far below any time-out.
const PHONES_PER_STEP = 5_000;

type Uploads = Map<FastifyRequest, SuppressionList | null>;

export function addSuppressionRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  const uploads: Uploads = new Map();
  void app.register((scope: RouteApp) => {
    scope.addContentTypeParser(
      "text/csv",
      async (request: FastifyRequest, body: IncomingMessage) => {
        if (uploads.size >= MAX_UPLOADS) throw busy();
        uploads.set(request, null);
        const hash = createHash("sha256");
        uploads.set(request, await readSuppressionCsv(body, hash));
        request.bodyHash = hash.digest();
        return undefined;
      },
    );
    scope.addHook("onResponse", (request, _reply, done) => {
      uploads.delete(request);
      done();
    });
    scope.addHook("onRequestAbort", (request, done) => {
      uploads.delete(request);
      done();
    });
    addAdd(scope, dependencies, uploads);
    return Promise.resolve();
  });
}

function addAdd(app: RouteApp, dependencies: HttpDependencies, uploads: Uploads): void {
  app.route({
    method: "POST",
    url: "/v1/suppressions",
    config: { access: "key_or_operator" },
    schema: {
      tags: ["Suppressions"],
      summary: "Suppress one phone, many, or a CSV of them",
      description:
        "As JSON, or as CSV with the columns `phone,reason` (header optional, 250,000 rows and 32 MB at most). Whoever waits for a call to one of them ends as `suppressed` at once; calls that do not ring yet are taken back; calls that ring or talk go on. A phone that is there already keeps its id, source and date, and its reason unless another is given. An invalid phone refuses the whole list unless skip_invalid is true.",
      operationId: "addSuppressions",
      consumes: ["application/json", "text/csv"],
      querystring: AddSuppressionsQuery,
      body: AddSuppressionsRequest,
      response: { 200: AddedSuppressions, ...errorAnswers(400, 409, 413, 415, 503) },
    },
    handler: async (request) => {
      const upload = uploads.get(request) ?? null;
      const list = upload ?? readPhones(request.body);
      if (list.invalidCount > 0 && request.query.skip_invalid !== "true") throw invalidPhones(list);
      if (list.reasons.size + list.invalidCount === 0) throw noPhone("The list holds no phone.");
      const keyId = request.apiKey?.id ?? null;
      const source = upload !== null ? "csv" : keyId === null ? "operator" : "api";
      const added = await writeList(dependencies, list, { keyId, source });
      dependencies.engine.wake();
      const entries =
        upload === null
          ? await readSuppressions(dependencies.database, keyId, [...list.reasons.keys()])
          : null;
      return {
        added_count: added.addedCount,
        existing_count: list.reasons.size - added.addedCount,
        invalid_count: list.invalidCount,
        invalid: [...list.invalid],
        suppressed_recipients_count: added.settledCount,
        suppressions: entries === null ? null : entries.map(presentSuppression),
      };
    },
  });
}

function readPhones(body: AddSuppressionsRequest): SuppressionList {
  const { phone, phones } = body;
  if (phone !== undefined && phones !== undefined) {
    const message = "Send phone or phones, not both.";
    throw new AppError("invalid_request", { message, details: { field: "phones" } });
  }
  const texts = phones ?? (phone === undefined ? [] : [phone]);
  if (texts.length === 0) throw noPhone("phone is required (or phones, or a list as text/csv).");
  const reader = createListReader();
  const reason = (body.reason ?? "").trim() === "" ? null : (body.reason ?? null);
  for (const text of texts) reader.add(text, reason, null);
  return reader.finish();
}

function noPhone(message: string): AppError {
  return new AppError("missing_field", { message, details: { field: "phone" } });
}

async function writeList(
  { database, clock, random }: HttpDependencies,
  list: SuppressionList,
  origin: { readonly keyId: string | null; readonly source: SuppressionSource },
): Promise<SuppressionsAdded> {
  const entries = [...list.reasons].map(([phone, reason]) => ({
    id: newRowId("sup", random),
    phone,
    reason,
  }));
  let addedCount = 0;
  let settledCount = 0;
  for (let start = 0; start < entries.length; start += PHONES_PER_STEP) {
    const step = entries.slice(start, start + PHONES_PER_STEP);
    const added = await database.transaction((tx) =>
      addSuppressions(tx, { ...origin, entries: step, now: clock.now() }),
    );
    addedCount += added.addedCount;
    settledCount += added.settledCount;
  }
  return { addedCount, settledCount };
}

function invalidPhones(list: SuppressionList): AppError {
  const { invalidCount, invalid, reasons } = list;
  const [first] = invalid;
  const hint = "Send it with ?skip_invalid=true to add the valid ones.";
  const place = first === undefined || first.line === null ? "" : ` in line ${first.line}`;
  const which = first === undefined ? "" : `${first.phone}${place} ${first.reason}`;
  const more = invalidCount === 1 ? "" : `, and ${invalidCount - 1} more are invalid`;
  return new AppError("invalid_phone_format", {
    message: `Nothing was added: ${which}${more}. ${hint}`,
    details: { valid_count: reasons.size, invalid_count: invalidCount, invalid, hint },
  });
}

function busy(): AppError {
  return new AppError("server_busy", {
    message: "The server takes in as many lists as it can. Send this one again in a moment.",
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
