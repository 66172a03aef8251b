// POST /v1/erasures and its receipts. The work is done by the jobs room; a receipt never holds the
// phone.

import { AppError } from "../domain/app-error.ts";
import { newRowId } from "../domain/ids.ts";
import { parsePhone } from "../domain/phone.ts";
import { findErasure, listErasures, requestErasure, type ErasureRow } from "../store/erasures.ts";
import {
  ErasePhoneRequest,
  Erasure,
  ErasureList,
  ErasureListQuery,
  ErasureParams,
} from "./contract/erasure.ts";
import { isoTime, isoTimeOrNull } from "./iso-time.ts";
import { errorAnswers, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

const KEPT: Erasure["kept"] = [
  {
    what: "suppressions of the phone, without their reason",
    why: "Whoever asked not to be called must stay uncalled.",
  },
  {
    what: "evidence of dials: time, our number, the carrier's call id, result, and a keyed hash of the phone",
    why: "To answer whoever asks whether and when that phone was called.",
  },
  {
    what: "calls and recipients without phone and content",
    why: "Totals, limits and usage are counted from them.",
  },
];

export function addErasureRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addErase(app, dependencies);
  addRead(app, dependencies);
}

function addErase(
  app: RouteApp,
  { database, clock, random, secretBox, engine }: HttpDependencies,
): void {
  app.route({
    method: "POST",
    url: "/v1/erasures",
    config: { access: "key_or_operator" },
    schema: {
      tags: ["Calls"],
      summary: "Erase one phone everywhere",
      description:
        "Ends whoever waits for it as `canceled`, ends calls to it, and takes phone, variables, prompts, transcripts and analyses out of everything the key owns (the operator: every key). Answers the receipt at once; it is `done` when the work is. Asking again while it is pending answers the same receipt.",
      operationId: "erasePhone",
      body: ErasePhoneRequest,
      response: { 202: Erasure, ...errorAnswers(400, 409, 503) },
    },
    handler: async (request, reply) => {
      const read = parsePhone(request.body.phone);
      if (read.kind !== "valid") {
        throw new AppError("invalid_phone_format", {
          message: `phone ${read.reason}.`,
          details: { field: "phone" },
        });
      }
      const row = await requestErasure(database, {
        id: newRowId("erasure", random),
        keyId: request.apiKey?.id ?? null,
        phoneHash: secretBox.digest(read.phone),
        phoneEncrypted: secretBox.encrypt(read.phone),
        now: clock.now(),
      });
      engine.wake();
      return reply.code(202).send(presentErasure(row));
    },
  });
}

function addRead(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/erasures",
    config: { access: "key_or_operator" },
    schema: {
      tags: ["Calls"],
      summary: "List receipts of erasures, newest first",
      operationId: "listErasures",
      querystring: ErasureListQuery,
      response: { 200: ErasureList, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const rows = await listErasures(database, request.apiKey?.id ?? null, request.query);
      return { erasures: rows.map(presentErasure), count: rows.length };
    },
  });
  app.route({
    method: "GET",
    url: "/v1/erasures/:erasure_id",
    config: { access: "key_or_operator" },
    schema: {
      tags: ["Calls"],
      summary: "One receipt of an erasure",
      operationId: "getErasure",
      params: ErasureParams,
      response: { 200: Erasure, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const { erasure_id } = request.params;
      const row = await findErasure(database, request.apiKey?.id ?? null, erasure_id);
      if (row === null) throw new AppError("not_found", { message: "There is no such erasure." });
      return presentErasure(row);
    },
  });
}

function presentErasure(row: ErasureRow): Erasure {
  return {
    erasure_id: row.id,
    scope: row.keyId === null ? "installation" : "key",
    status: row.state,
    requested_at: isoTime(row.requestedAt),
    done_at: isoTimeOrNull(row.doneAt),
    counts: { ...row.counts },
    kept: KEPT,
  };
}
