// Reading and steering campaigns, and why a recipient is not dialed yet.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

type Caller = Awaited<ReturnType<typeof server.caller>>;

let prompts = 0;
async function campaign(caller: Caller, more: object = {}): Promise<string> {
  prompts += 1;
  const made = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: `Remind them ${prompts}.`,
    recipients: [{ phone: "+12025550101" }, { phone: "+12025550102" }],
    ...more,
  });
  expect(made.status, made.text).toBe(201);
  return `/v1/calls/batch/${made.body.campaign_id}`;
}

const later = { schedule_type: "schedule", scheduled_date: "2030-07-01" };

test("the verbs move a campaign and may be said twice", async () => {
  const caller = await server.caller();
  const url = await campaign(caller, later);
  const say = async (verb: string, body?: object) => {
    const answer = await caller.ask("POST", `${url}/${verb}`, body);
    return [answer.status, answer.body.status ?? answer.body.error.code];
  };
  expect(await say("pause")).toEqual([200, "paused"]);
  // It had not started: resuming waits for its day again.
  expect(await say("resume")).toEqual([200, "scheduled"]);
  const launched = await caller.ask("POST", `${url}/launch`);
  expect(launched.body).toEqual({
    campaign_id: url.split("/").at(-1),
    status: "running",
    recipients_count: 2,
    queued_count: 2,
  });
  expect(await say("launch")).toEqual([200, "running"]);
  expect(await say("pause")).toEqual([200, "paused"]);
  expect(await say("pause")).toEqual([200, "paused"]);
  expect(await say("resume")).toEqual([200, "running"]);
  expect(await say("cancel", { hang_up: true })).toEqual([200, "canceled"]);
  expect(await say("cancel")).toEqual([200, "canceled"]);
  expect(await say("launch")).toEqual([409, "campaign_state_conflict"]);
  expect(await say("cancel", { hang_up: "yes" })).toEqual([400, "invalid_request"]);
});

test("a completed campaign is not launched again", async () => {
  const caller = await server.caller();
  const url = await campaign(caller);
  await db.query("update campaigns set status = 'completed' where id = $1", [
    url.split("/").at(-1),
  ]);
  const answer = await caller.ask("POST", `${url}/launch`);
  expect([answer.status, answer.body.error.code]).toEqual([400, "campaign_already_completed"]);
});

test("a launch needs a model", async () => {
  const caller = await server.caller();
  const url = await campaign(caller, later);
  server.model = { kind: "missing", instruction: "Set CARILLON_MODEL." };
  expect((await caller.ask("POST", `${url}/launch`)).body.error.code).toBe("model_not_configured");
  server.model = { kind: "ready", name: "test" };
  expect((await caller.ask("GET", url)).body.status).toBe("scheduled");
});

test("a launch by hand overrides the window until midnight, and the campaign says so", async () => {
  const caller = await server.caller();
  const url = await campaign(caller, {
    window_start_minutes: 1080,
    window_end_minutes: 1200,
    ...later,
  });
  await caller.ask("POST", `${url}/launch`);
  expect((await caller.ask("GET", url)).body).toMatchObject({
    status: "running",
    window_overridden_until: "2030-06-12T23:00:00.000Z",
    next_dial_at: "2030-06-12T11:00:00.000Z",
  });
  const respectful = await campaign(caller, {
    window_start_minutes: 1080,
    window_end_minutes: 1200,
    ...later,
  });
  await caller.ask("POST", `${respectful}/launch`, { respect_window: true });
  expect((await caller.ask("GET", respectful)).body).toMatchObject({
    status: "running",
    window_overridden_until: null,
    next_dial_at: "2030-06-12T17:00:00.000Z",
  });
});

test("counts recipients by state and calls by reason; a paused campaign has no next call", async () => {
  const caller = await server.caller();
  const url = await campaign(caller);
  const id = url.split("/").at(-1);
  await db.query(
    `with r as (update recipients set state = 'reached', settled = true, claimable = false, attempts = 1
       where campaign_id = $1 and row_index = 0 returning id, key_id)
     insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, status, open, ended_reason, created_at)
     select 'call_' || $1, r.key_id, $1, r.id, $2, n.id, n.account_id, n.phone, '+12025550101', 1, 'completed', false,
       'callee_hangup', '2030-06-12' from r, phone_numbers n where n.phone = $3`,
    [id, caller.agentId, caller.phone],
  );
  const { body } = await caller.ask("GET", url);
  expect(body).toMatchObject({
    counts: { waiting: 1, reached: 1, failed: 0 },
    ended_reasons: { callee_hangup: 1 },
    next_dial_at: "2030-06-12T11:00:00.000Z",
    started_at: "2030-06-12T11:00:00.000Z",
  });
  const list = await caller.ask("GET", `${url}/recipients?state=reached`);
  expect(list.body.recipients).toMatchObject([
    { call_ids: [`call_${id}`], attempts: 1, not_dialed_because: null },
  ]);
  await caller.ask("POST", `${url}/pause`);
  expect((await caller.ask("GET", url)).body).toMatchObject({
    next_dial_at: null,
    status_reason: "paused by request",
  });
});

async function ruleOf(caller: Caller, url: string): Promise<unknown> {
  const { body } = await caller.ask("GET", `${url}/recipients?limit=1`);
  return [body.recipients[0].not_dialed_because.rule, body.recipients[0].until];
}

test("says which rule holds a recipient back, from the rows the engine decides by", async () => {
  const caller = await server.caller({ concurrent_call_limit: 2 });
  const url = await campaign(caller);
  const rule = () => ruleOf(caller, url);
  const run = (text: string, ...values: unknown[]) => db.query(text, values);
  const ofAccount = "where id = (select account_id from phone_numbers where phone = $1)";

  expect(await rule()).toEqual(["no_voice_session", null]);
  await run(
    `insert into processes (id, roles, max_voice_sessions, started_at, heartbeat_at)
     values ('proc_1', '{voice}', 5, '2030-06-12T11:00:00Z', '2030-06-12T11:00:00Z')`,
  );
  expect(await rule()).toEqual(["next_in_turn", null]);
  await run(
    `update carrier_accounts set next_dial_at = '2030-06-12T11:00:07Z' ${ofAccount}`,
    caller.phone,
  );
  expect(await rule()).toEqual(["account_pace", "2030-06-12T11:00:07.000Z"]);
  await run("update slots set call_id = 'x' || number where key_id = $1", caller.keyId);
  expect(await rule()).toEqual(["key_limit", null]);
  await run(
    `update carrier_accounts set backoff_until = '2030-06-12T11:05:00Z' ${ofAccount}`,
    caller.phone,
  );
  expect(await rule()).toEqual(["account_backing_off", "2030-06-12T11:05:00.000Z"]);
  await run(
    `update carrier_accounts set paused_at = '2030-06-12', pause_reason = 'funds' ${ofAccount}`,
    caller.phone,
  );
  expect(await rule()).toEqual(["account_paused", null]);
  await run(
    "update recipients set waits_for_phone = true where campaign_id = $1",
    url.split("/").at(-1),
  );
  expect(await rule()).toEqual(["phone_busy", null]);
  await run("update phone_numbers set outbound_enabled = false where phone = $1", caller.phone);
  expect(await rule()).toEqual(["number_unusable", null]);
  await caller.ask("PUT", `/v1/agents/${caller.agentId}`, { is_active: false });
  expect(await rule()).toEqual(["agent_unusable", null]);
  await caller.ask("POST", `${url}/pause`);
  expect(await rule()).toEqual(["campaign_paused", null]);
  await server.operator("POST", "/v1/operator/stop");
  expect(await rule()).toEqual(["dialing_stopped", null]);
  await server.operator("POST", "/v1/operator/resume");
  await run(
    `update carrier_accounts set paused_at = null, backoff_until = null, next_dial_at = '2030-06-12' ${ofAccount}`,
    caller.phone,
  );
});

test("the daily cap holds until the oldest call that fills it is a day old", async () => {
  const caller = await server.caller({ max_calls_per_day: 2 });
  const url = await campaign(caller);
  for (const [index, minute] of ["10", "20", "30"].entries()) {
    const made = await caller.ask("POST", "/v1/calls/outbound", {
      agent_id: caller.agentId,
      to_number: `+1202555018${index}`,
      prompt: "x",
    });
    await db.query("update calls set sent_at = $2 where id = $1", [
      made.body.call_id,
      `2030-06-12T10:${minute}:00Z`,
    ]);
  }
  // The second newest fills the cap of two.
  expect(await ruleOf(caller, url)).toEqual(["key_daily_limit", "2030-06-13T10:20:00.000Z"]);
  await server.operator("PATCH", `/v1/keys/${caller.keyId}`, { max_calls_per_day: 0 });
  expect(await ruleOf(caller, url)).toEqual(["key_daily_limit", null]);
  await server.operator("PATCH", `/v1/keys/${caller.keyId}`, { max_calls_per_day: 4 });
  expect(await ruleOf(caller, url)).toEqual(["next_in_turn", null]);
  await server.operator("PATCH", `/v1/keys/${caller.keyId}`, { max_calls_per_day: null });
  expect(await ruleOf(caller, url)).toEqual(["next_in_turn", null]);
});
