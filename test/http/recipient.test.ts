// One recipient with every call so far, and why a campaign as a whole is not dialing.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

type Caller = Awaited<ReturnType<typeof server.caller>>;

async function campaign(caller: Caller, more: object = {}): Promise<string> {
  const made = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: "Remind them.",
    recipients: [
      { phone: "+12025550101", variables: { name: "Ada" } },
      { phone: "12" },
      { phone: "+12025550102" },
    ],
    skip_invalid: true,
    ...more,
  });
  expect(made.status, made.text).toBe(201);
  return made.body.campaign_id;
}

/** Two calls to the first recipient: one refused by the carrier, one answered. */
async function addCalls(caller: Caller, id: string): Promise<void> {
  await db.query(
    `insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, status, open, ended_reason, created_at, dial_at, sent_at, ringing_at, answered_at, ended_at,
       carrier_call_id, answered_by, error_code, error_message, erased_at)
     select c.id || $1, r.key_id, $1, r.id, $2, n.id, n.account_id, n.phone, r.phone, c.attempt, c.status, false, c.reason,
       c.at, c.at, c.at, c.ringing, c.answered, c.at + interval '1 minute', c.carrier, c.by, c.code, c.message, c.erased
     from recipients r, phone_numbers n, (values
       ('call_2', 2, 'completed', 'callee_hangup', '2030-06-12T10:00:00Z'::timestamptz, '2030-06-12T10:00:02Z'::timestamptz,
        '2030-06-12T10:00:05Z'::timestamptz, 'CA2', 'human', null, null, '2030-06-12T10:30:00Z'::timestamptz),
       ('call_1', 1, 'failed', 'failed', '2030-06-12T09:00:00Z', null, null, null, null, 13225, 'not allowed', null)
     ) as c(id, attempt, status, reason, at, ringing, answered, carrier, by, code, message, erased)
     where r.campaign_id = $1 and r.row_index = 0 and n.phone = $3`,
    [id, caller.agentId, caller.phone],
  );
  await db.query(
    `insert into call_events (call_id, at, kind, facts)
     select 'call_2' || $1, '2030-06-12T10:00:00Z'::timestamptz + n * interval '1 second', 'status',
       jsonb_build_object('n', n) from generate_series(1, 203) n order by n`,
    [id],
  );
}

test("tells every call so far, with its events in order", async () => {
  const caller = await server.caller();
  const id = await campaign(caller);
  await addCalls(caller, id);
  const { status, body, text } = await caller.ask("GET", `/v1/calls/batch/${id}/recipients/0`);
  expect(status, text).toBe(200);
  const list = await caller.ask("GET", `/v1/calls/batch/${id}/recipients?limit=1`);
  const { calls, ...recipient } = body;
  expect(recipient).toEqual(list.body.recipients[0]);
  expect(recipient).toMatchObject({ row_index: 0, variables: { name: "Ada" }, until: null });
  expect(calls[0]).toEqual({
    call_id: `call_1${id}`,
    carrier_call_id: null,
    attempt: 1,
    call_status: "failed",
    ended_reason: "failed",
    answered_by: null,
    error_code: 13225,
    error_message: "not allowed",
    created_at: "2030-06-12T09:00:00.000Z",
    dial_at: "2030-06-12T09:00:00.000Z",
    sent_at: "2030-06-12T09:00:00.000Z",
    ringing_at: null,
    answered_at: null,
    ended_at: "2030-06-12T09:01:00.000Z",
    events: [],
    events_count: 0,
  });
  expect(calls[1]).toMatchObject({
    call_id: `call_2${id}`,
    carrier_call_id: "CA2",
    answered_by: "human",
    answered_at: "2030-06-12T10:00:05.000Z",
    events_count: 203,
  });
  expect(calls[1].events).toHaveLength(200);
  expect(calls[1].events[0]).toEqual({
    at: "2030-06-12T10:00:01.000Z",
    kind: "status",
    facts: { n: 1 },
  });
  expect(calls[1].events.map((event: any) => event.facts.n)).toEqual(
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
});

test("a row that is not there, and rows that are no numbers", async () => {
  const caller = await server.caller();
  const id = await campaign(caller);
  const ask = (row: string) => caller.ask("GET", `/v1/calls/batch/${id}/recipients/${row}`);
  expect((await ask("1")).body).toMatchObject({ state: "invalid", phone: "12", calls: [] });
  const missing = await ask("3");
  expect([missing.status, missing.body.error.code]).toEqual([404, "recipient_not_found"]);
  expect(missing.body.error.message).toBe("The campaign's list has no row 3; rows count from 0.");
  for (const row of ["x", "-1", "1.5", "1e1", "0x1", "9999999999", "%20"]) {
    const answer = await ask(row);
    expect([answer.status, answer.body.error.code], row).toEqual([400, "invalid_request"]);
    expect(answer.body.error.details.field).toBe("row");
  }
});

test("a campaign says which rule holds it back, and until when", async () => {
  const caller = await server.caller();
  const id = await campaign(caller, { window_start_minutes: 1080, window_end_minutes: 1200 });
  const url = `/v1/calls/batch/${id}`;
  const held = async () => (await caller.ask("GET", url)).body.held_back_by;
  expect(await held()).toEqual({
    rule: "outside_window",
    message: "The calling window is closed.",
    until: "2030-06-12T17:00:00.000Z",
  });
  await caller.ask("POST", `${url}/pause`);
  expect(await held()).toMatchObject({ rule: "campaign_paused", until: null });
  await caller.ask("POST", `${url}/launch`);
  expect(await held()).toMatchObject({ rule: "no_voice_session" });
  await db.query(
    `insert into processes (id, roles, max_voice_sessions, started_at, heartbeat_at)
     values ('proc_1', '{voice}', 5, '2030-06-12T11:00:00Z', '2030-06-12T11:00:00Z')`,
  );
  // Nothing holds it: somebody is next.
  expect(await held()).toBeNull();
  await db.query(
    "update recipients set due_at = '2030-06-12T15:00:00Z' where campaign_id = $1 and claimable",
    [id],
  );
  expect(await held()).toMatchObject({ rule: "not_due", until: "2030-06-12T15:00:00.000Z" });
  await db.query(
    "update recipients set waits_for_phone = true, claimable = false where campaign_id = $1",
    [id],
  );
  expect(await held()).toMatchObject({ rule: "phone_busy" });
  await db.query(
    "update recipients set state = 'reached', settled = true, waits_for_phone = false where campaign_id = $1",
    [id],
  );
  expect(await held()).toBeNull();
});
