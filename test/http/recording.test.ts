// A call's recording over the API: with the key's rights, out of the carrier's hands, and honest
// about why there is none.

import { afterAll, beforeEach, expect, test } from "vitest";
import type { Instant } from "../../src/domain/instant.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { testDatabase } from "../support/test-database.ts";
import { NOON, testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
const intruder = await server.caller();
afterAll(() => server.app.close());

const MINUTE_MS = 60_000;
const WAV = "RIFF....WAVEfmt ";
const URL_OF = (callId: string): string => `/v1/calls/${callId}/recording`;

beforeEach(() => {
  server.carrier.recording = { kind: "absent" };
  server.carrier.audio = () => ({
    kind: "streaming",
    contentType: "audio/x-wav",
    lengthBytes: WAV.length,
    audio: chunks(WAV.slice(0, 4), WAV.slice(4)),
  });
});

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

interface Facts {
  readonly isRecorded?: boolean;
  readonly answeredAt?: Instant | null;
  readonly endedAt?: Instant | null;
  readonly state?: "ready" | "absent" | "deleted" | null;
}

/** A call; by default recorded, over for two minutes, and heard of from the carrier. */
async function callWith(facts: Facts = {}): Promise<string> {
  const made = await caller.ask("POST", "/v1/calls/outbound", {
    agent_id: caller.agentId,
    to_number: "+12025550177",
    prompt: "Hello",
  });
  const { isRecorded = true, state = "ready" } = facts;
  const { answeredAt = NOON - 3 * MINUTE_MS, endedAt = NOON - 2 * MINUTE_MS } = facts;
  const instant = (at: Instant | null) => (at === null ? null : sqlInstant(at));
  await db.query(
    `update calls set is_recorded = $2, answered_at = $3, ended_at = $4, recording_state = $5, carrier_call_id = 'CA' || id,
       status = case when $4::timestamptz is null then 'in_progress'
         when $3::timestamptz is null then 'no_answer' else 'completed' end,
       recording_id = case when $5::text = 'ready' then 'RE1' end,
       recording_seconds = case when $5::text = 'ready' then 60 end where id = $1`,
    [made.body.call_id, isRecorded, instant(answeredAt), instant(endedAt), state],
  );
  return made.body.call_id;
}

test("the sound is streamed as a file that nobody in between keeps", async () => {
  const callId = await callWith();
  const answer = await caller.ask("GET", URL_OF(callId));
  expect(answer.status).toBe(200);
  expect(answer.text).toBe(WAV);
  expect(answer.headers).toMatchObject({
    "content-type": "audio/x-wav",
    "content-length": String(WAV.length),
    "content-disposition": `attachment; filename="${callId}.wav"`,
    "cache-control": "no-store",
  });
  const call = await caller.ask("GET", `/v1/calls/${callId}`);
  expect(call.body).toMatchObject({
    recording_url: `https://carillon.example${URL_OF(callId)}`,
    recording_duration_s: 60,
  });
});

test("another key's call is no call, and the carrier is not asked", async () => {
  const callId = await callWith();
  let asked = 0;
  server.carrier.audio = () => {
    asked += 1;
    return { kind: "absent" };
  };
  const answer = await intruder.ask("GET", URL_OF(callId));
  expect([answer.status, answer.body.error.code]).toEqual([404, "call_not_found"]);
  expect((await server.operator("GET", URL_OF(callId))).status).toBe(401);
  expect((await server.ask({ url: URL_OF(callId) })).status).toBe(401);
  expect(asked).toBe(0);
});

test.each<[string, Facts, number, string]>([
  ["not recorded", { isRecorded: false, state: null }, 404, "recording_not_found"],
  ["unanswered", { answeredAt: null, state: null }, 404, "recording_not_found"],
  ["deleted", { state: "deleted" }, 404, "recording_not_found"],
  ["absent", { state: "absent" }, 404, "recording_not_found"],
  ["live", { endedAt: null, state: null }, 409, "recording_not_ready"],
  ["just over", { endedAt: NOON - 1_000, state: null }, 409, "recording_not_ready"],
  ["its callback late", { state: null }, 409, "recording_not_ready"],
  [
    "its callback never came",
    { endedAt: NOON - 11 * MINUTE_MS, state: null },
    404,
    "recording_not_found",
  ],
])("none: %s", async (_why, facts, status, code) => {
  const answer = await caller.ask("GET", URL_OF(await callWith(facts)));
  expect([answer.status, answer.body.error.code]).toEqual([status, code]);
});

test("a callback that was lost: the carrier is asked, and its answer kept", async () => {
  const callId = await callWith({ state: null });
  server.carrier.recording = { kind: "found", carrierRecordingId: "RE2", durationSeconds: 59 };
  const opened: string[] = [];
  const { audio } = server.carrier;
  server.carrier.audio = (id) => {
    opened.push(id);
    return audio(id);
  };
  expect((await caller.ask("GET", URL_OF(callId))).status).toBe(200);
  server.carrier.recording = { kind: "failed", reason: "it must not be asked again" };
  expect((await caller.ask("GET", URL_OF(callId))).status).toBe(200);
  expect(opened).toEqual(["RE2", "RE2"]);
});

test("a carrier that cannot be asked is a gateway's error, to be tried again", async () => {
  server.carrier.audio = () => ({ kind: "failed", reason: "HTTP 500" });
  const failed = await caller.ask("GET", URL_OF(await callWith()));
  expect([failed.status, failed.body.error.code]).toEqual([502, "carrier_unavailable"]);
  server.carrier.audio = () => ({ kind: "absent" });
  const gone = await caller.ask("GET", URL_OF(await callWith()));
  expect([gone.status, gone.body.error.code]).toEqual([404, "recording_not_found"]);
});

test("a deleted call's recording is on its way out, and no longer handed out", async () => {
  const callId = await callWith();
  const deleted = await caller.ask("DELETE", `/v1/calls/${callId}`);
  expect(deleted.body).toEqual({ call_id: callId, deleted: true, recording_deleted: true });
  expect((await caller.ask("GET", URL_OF(callId))).body.error.code).toBe("call_not_found");
  const { rows } = await db.query(
    "select recording_delete_at is not null as due from calls where id = $1",
    [callId],
  );
  expect(rows).toEqual([{ due: true }]);
});

test("deleting all calls counts their recordings", async () => {
  const one = await server.caller();
  const made = await one.ask("POST", "/v1/calls/outbound", {
    agent_id: one.agentId,
    to_number: "+12025550178",
    prompt: "Hello",
  });
  await db.query(
    `update calls set is_recorded = true, answered_at = $2, ended_at = $2, status = 'completed', recording_state = 'ready'
     where id = $1`,
    [made.body.call_id, sqlInstant(NOON)],
  );
  expect((await one.ask("DELETE", "/v1/calls")).body).toMatchObject({
    calls_deleted: 1,
    recordings_deleted: 1,
  });
});
