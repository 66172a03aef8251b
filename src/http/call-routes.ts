// Reading and deleting calls (contract B.5).

import { AppError } from "../domain/app-error.ts";
import { statusesShownAs } from "../domain/call-report.ts";
import type { Instant } from "../domain/instant.ts";
import {
  countLiveCalls,
  eraseCall,
  eraseEndedCalls,
  findCall,
  listCalls,
  type ErasureCursor,
} from "../store/call-list.ts";
import {
  Call,
  CallList,
  CallListQuery,
  CallParams,
  DeletedCall,
  DeletedCalls,
} from "./contract/call.ts";
import { presentCall } from "./present-call.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

// Rows erased by one statement: tens of milliseconds, so that the engine never waits long for a
// row.
const ERASE_BATCH = 5_000;

export function addCallRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addRead(app, dependencies);
  addDeleteOne(app, dependencies);
  addDeleteAll(app, dependencies);
}

function addRead(app: RouteApp, { database, settings }: HttpDependencies): void {
  const { publicUrl } = settings;
  app.route({
    method: "GET",
    url: "/v1/calls",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "List calls, newest first",
      description: "Page until an answer is shorter than the limit.",
      operationId: "listCalls",
      querystring: CallListQuery,
      response: { 200: CallList, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const { campaign_id, agent_id, status, limit, offset } = request.query;
      const calls = await listCalls(database, keyOf(request).id, {
        campaignId: campaign_id ?? null,
        agentId: agent_id ?? null,
        statuses: status === undefined ? null : statusesShownAs(status),
        limit,
        offset,
      });
      return calls.map((call) => presentCall(call, publicUrl));
    },
  });
  app.route({
    method: "GET",
    url: "/v1/calls/:call_id",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "Get a call",
      operationId: "getCall",
      params: CallParams,
      response: { 200: Call, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const call = await findCall(database, keyOf(request).id, request.params.call_id);
      if (call === null) throw callNotFound();
      return presentCall(call, publicUrl);
    },
  });
}

function addDeleteOne(app: RouteApp, { database, clock }: HttpDependencies): void {
  app.route({
    method: "DELETE",
    url: "/v1/calls/:call_id",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "Erase a call",
      description:
        "Takes away what was said, for good, and hides the call; its recording is deleted at the carrier within minutes. A live call is refused.",
      operationId: "deleteCall",
      params: CallParams,
      response: { 200: DeletedCall, ...errorAnswers(404, 409) },
    },
    handler: async (request) => {
      const { call_id } = request.params;
      const erasure = await eraseCall(database, keyOf(request).id, call_id, clock.now());
      switch (erasure.kind) {
        case "erased": {
          const { hasRecording } = erasure;
          return { call_id, deleted: true as const, recording_deleted: hasRecording };
        }
        case "live":
          throw new AppError("call_in_progress", {
            message: "The call is still live. Delete it once it has ended.",
          });
        case "not_found":
          throw callNotFound();
      }
    },
  });
}

function addDeleteAll(app: RouteApp, { database, clock }: HttpDependencies): void {
  app.route({
    method: "DELETE",
    url: "/v1/calls",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "Erase all calls of the key",
      description: "At once and for good. Live calls stay and are counted in calls_skipped.",
      operationId: "deleteAllCalls",
      response: { 200: DeletedCalls, ...errorAnswers() },
    },
    handler: async (request) => {
      const keyId = keyOf(request).id;
      const erased = await eraseAll(database, keyId, clock.now());
      return {
        deleted: true as const,
        calls_deleted: erased.calls,
        recordings_deleted: erased.recordings,
        sms_deleted: 0,
        calls_skipped: await countLiveCalls(database, keyId),
      };
    },
  });
}

async function eraseAll(
  database: HttpDependencies["database"],
  keyId: string,
  now: Instant,
): Promise<{ readonly calls: number; readonly recordings: number }> {
  let calls = 0;
  let recordings = 0;
  let after: ErasureCursor | null = null;
  do {
    const run: Awaited<ReturnType<typeof eraseEndedCalls>> = await eraseEndedCalls(
      database,
      keyId,
      {
        now,
        limit: ERASE_BATCH,
        after,
      },
    );
    calls += run.erased;
    recordings += run.recordings;
    after = run.last;
  } while (after !== null);
  return { calls, recordings };
}

export function callNotFound(): AppError {
  return new AppError("call_not_found", { message: "There is no such call." });
}
