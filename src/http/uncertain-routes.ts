// Calls whose fate nobody could find out: the list of those that wait for a person, the evidence of
// any call, and the decision (Carillon's own; DESIGN §2, Place).

import { AppError } from "../domain/app-error.ts";
import { settleByHand } from "../engine/settle-by-hand.ts";
import { findCallEvidence, listUncertainCalls } from "../store/hand-settlements.ts";
import { CallParams } from "./contract/call.ts";
import {
  CallEvidence,
  SettleRequest,
  UncertainList,
  UncertainListQuery,
} from "./contract/uncertain.ts";
import { presentCallEvidence } from "./present-call-evidence.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

// More events than any call has.
const MAX_EVENTS = 200;

export function addUncertainRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addUncertainList(app, dependencies);
  addEvidence(app, dependencies);
  addSettle(app, dependencies);
}

function addUncertainList(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/calls/uncertain",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "List calls that wait for a person to say what became of them",
      description:
        "With their evidence, the longest waiting first; of all campaigns and of single calls.",
      operationId: "listUncertainCalls",
      querystring: UncertainListQuery,
      response: { 200: UncertainList, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const { campaign_id, limit, offset } = request.query;
      const rows = await listUncertainCalls(database, keyOf(request).id, {
        campaignId: campaign_id ?? null,
        limit,
        offset,
        maxEvents: MAX_EVENTS,
      });
      return { calls: rows.map(presentCallEvidence), count: rows.length, limit, offset };
    },
  });
}

function addEvidence(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/calls/:call_id/evidence",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "Get what happened to a call, event by event",
      description:
        "What was dialed and when, what the carrier's list showed, and what a person decided. Kept when the call is erased: it holds nothing that was said.",
      operationId: "getCallEvidence",
      params: CallParams,
      response: { 200: CallEvidence, ...errorAnswers(404) },
    },
    handler: (request) => showEvidence(database, keyOf(request).id, request.params.call_id),
  });
}

function addSettle(app: RouteApp, { database, clock, engine }: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/calls/:call_id/settle",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "Settle an uncertain call by hand",
      description:
        "Once; the same again changes nothing. A fact of the carrier that comes later stands above it.",
      operationId: "settleCall",
      params: CallParams,
      body: SettleRequest,
      response: { 200: CallEvidence, ...errorAnswers(400, 404, 409) },
    },
    handler: async (request) => {
      const { outcome, carrier_call_id: carrierCallId = null, note = null } = request.body;
      const keyId = keyOf(request).id;
      const { call_id: callId } = request.params;
      const said = { outcome, carrierCallId, note };
      const result = await settleByHand({ database, clock }, keyId, callId, said);
      switch (result.kind) {
        case "not_found":
          throw callNotFound();
        case "refused":
          throw new AppError(result.code, { message: result.message });
        case "done":
          engine.wake();
          return showEvidence(database, keyId, callId);
      }
    },
  });
}

async function showEvidence(
  database: HttpDependencies["database"],
  keyId: string,
  callId: string,
): Promise<CallEvidence> {
  const row = await findCallEvidence(database, keyId, callId, MAX_EVENTS);
  if (row === null) throw callNotFound();
  return presentCallEvidence(row);
}

function callNotFound(): AppError {
  return new AppError("call_not_found", { message: "There is no such call." });
}
