// Uncertain calls over the API: listed with their evidence, settled by hand.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

type Caller = Awaited<ReturnType<typeof server.caller>>;
let calls = 0;

/** A call that two looks could not explain; of a campaign with a second recipient, or single. */
async function uncertainCall(caller: Caller, isSingle = false): Promise<string> {
  calls += 1;
  const callId = `call_uncertain_${calls}`;
  const phone = "+12025550101";
  if (isSingle) {
    await caller.ask("POST", "/v1/calls/outbound", {
      agent_id: caller.agentId,
      to_number: phone,
      prompt: "Remind them.",
    });
  } else {
    await caller.ask("POST", "/v1/calls/batch", {
      agent_id: caller.agentId,
      prompt: "Remind them.",
      recipients: [{ phone }, { phone: "+12025550102" }],
      allow_duplicate: true,
    });
  }
  await db.query(
    `with r as (
       update recipients set state = 'uncertain', state_reason = 'the carrier lists 2 calls that could be this one',
         settled = true, settled_at = '2030-06-12T10:03:00Z', claimable = false, attempts = 1, queued_call_id = null
       where id = (select max(id) from recipients where key_id = $2 and phone = $4 and state = 'waiting') returning *)
     insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, dial_number, status, open, ended_reason, created_at, dial_at, sent_at, last_byte_at, ended_at)
     select $1, $2, r.campaign_id, r.id, $3, n.id, n.account_id, n.phone, r.phone, 1, 1, 'uncertain', false, 'uncertain',
       '2030-06-12T10:00:00Z', '2030-06-12T10:00:00Z', '2030-06-12T10:00:00Z', '2030-06-12T10:00:00.1Z',
       '2030-06-12T10:03:00Z'
     from r, phone_numbers n where n.phone = $5`,
    [callId, caller.keyId, caller.agentId, phone, caller.phone],
  );
  await db.query(
    `insert into call_events (call_id, at, kind, facts) values
     ($1, '2030-06-12T10:00:30Z', 'placing_unknown', '{"kind": "unknown", "reason": "time-out"}'),
     ($1, '2030-06-12T10:00:46Z', 'looked', '{"look": 1, "dial_number": 1, "listed": 2, "candidates": [
       {"carrier_call_id": "CAone", "status": "completed", "created_at": null},
       {"carrier_call_id": "CAtwo", "status": "completed", "created_at": "2030-06-12T10:00:01.000Z"}]}')`,
    [callId],
  );
  return callId;
}

test("lists uncertain calls with their evidence, of campaigns and single ones", async () => {
  const caller = await server.caller();
  const first = await uncertainCall(caller);
  const single = await uncertainCall(caller, true);
  const { status, body, text } = await caller.ask("GET", "/v1/calls/uncertain");
  expect(status, text).toBe(200);
  expect(body.calls.map((call: any) => call.call_id)).toEqual([first, single]);
  expect(body.calls[1]).toMatchObject({ campaign_id: null, row_index: null });
  const { events, ...shown } = body.calls[0];
  expect(events).toHaveLength(2);
  expect(shown).toEqual({
    call_id: first,
    campaign_id: expect.any(String),
    row_index: 0,
    from_number: caller.phone,
    to_number: "+12025550101",
    attempt: 1,
    dial_number: 1,
    call_status: "failed",
    carrier_call_id: null,
    sent_at: "2030-06-12T10:00:00.000Z",
    last_byte_at: "2030-06-12T10:00:00.100Z",
    ended_at: "2030-06-12T10:03:00.000Z",
    recipient_state: "uncertain",
    recipient_reason: "the carrier lists 2 calls that could be this one",
    looks: [
      {
        at: "2030-06-12T10:00:46.000Z",
        look: 1,
        dial_number: 1,
        listed: 2,
        candidates: [
          { carrier_call_id: "CAone", status: "completed", created_at: null },
          { carrier_call_id: "CAtwo", status: "completed", created_at: "2030-06-12T10:00:01.000Z" },
        ],
      },
    ],
    settlement: null,
  });
  const filtered = await caller.ask(
    "GET",
    `/v1/calls/uncertain?campaign_id=${shown.campaign_id}&limit=5`,
  );
  expect(filtered.body).toMatchObject({ count: 1, limit: 5, offset: 0 });
});

test("a decision is kept and shown, and nobody else can see or make it", async () => {
  const caller = await server.caller();
  const stranger = await server.tenant();
  const callId = await uncertainCall(caller);
  const settle = (body: object, who: Pick<Caller, "ask"> = caller) =>
    who.ask("POST", `/v1/calls/${callId}/settle`, body);
  for (const path of ["evidence", "settle"]) {
    const method = path === "settle" ? "POST" : "GET";
    const body = path === "settle" ? { outcome: "reached" } : undefined;
    const hidden = await stranger.ask(method, `/v1/calls/${callId}/${path}`, body);
    expect([hidden.status, hidden.body.error.code]).toEqual([404, "call_not_found"]);
  }
  const said = { outcome: "reached", carrier_call_id: "CAtwo", note: "She called back." };
  const { status, body, text } = await settle(said);
  expect(status, text).toBe(200);
  expect(body).toMatchObject({
    recipient_state: "reached",
    recipient_reason: "a person said: reached",
    settlement: { ...said, key_id: caller.keyId, at: "2030-06-12T11:00:00.000Z" },
  });
  expect((await settle(said)).body).toEqual(body);
  expect((await caller.ask("GET", `/v1/calls/${callId}/evidence`)).body).toEqual(body);
  expect((await caller.ask("GET", "/v1/calls/uncertain")).body.calls).toEqual([]);
  const other = await settle({ outcome: "voicemail" });
  expect([other.status, other.body.error.code]).toEqual([409, "call_not_uncertain"]);
});

test("a single call that was not made is queued again under its own id", async () => {
  const caller = await server.caller();
  const callId = await uncertainCall(caller, true);
  const { body } = await caller.ask("POST", `/v1/calls/${callId}/settle`, {
    outcome: "not_called",
  });
  expect(body).toMatchObject({ recipient_state: "waiting", call_status: "queued", sent_at: null });
  expect((await caller.ask("GET", `/v1/calls/${callId}`)).body.call_status).toBe("queued");
});

test("what cannot be is refused: words, contradictions, and calls whose fate is known", async () => {
  const caller = await server.caller();
  const callId = await uncertainCall(caller);
  const settle = (body: object) => caller.ask("POST", `/v1/calls/${callId}/settle`, body);
  for (const [body, field] of [
    [{ outcome: "maybe" }, "outcome"],
    [{ outcome: "not_called", carrier_call_id: "CAone" }, "carrier_call_id"],
    [{ outcome: "reached", carrier_call_id: "CA one" }, "carrier_call_id"],
    [{ outcome: "reached", note: "x".repeat(1_001) }, "note"],
  ] as const) {
    const answer = await settle(body);
    expect([answer.status, answer.body.error.code], answer.text).toEqual([400, "invalid_request"]);
    expect(answer.body.error.details.field).toBe(field);
  }
  await db.query("update calls set status = 'completed' where id = $1", [callId]);
  const known = await settle({ outcome: "reached" });
  expect([known.status, known.body.error.code]).toEqual([409, "call_not_uncertain"]);
});
