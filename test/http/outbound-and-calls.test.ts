// Single calls, and reading, erasing and counting calls.

import { afterAll, expect, test } from "vitest";
import { eraseEndedCalls } from "../../src/store/call-list.ts";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
afterAll(() => server.app.close());

const order = (more: object = {}) => ({
  agent_id: caller.agentId,
  to_number: "+12025550177",
  prompt: "Confirm {time} with {name}.",
  ...more,
});

test("a single call is queued with its recipient and answered before anything is dialed", async () => {
  const wakes = server.wakes;
  const made = await caller.ask(
    "POST",
    "/v1/calls/outbound",
    order({ dynamic_vars: { name: "Ada", seats: 2 } }),
  );
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    call_id: expect.stringMatching(/^call_[0-9a-f]{32}$/),
    status: "initiated",
    to: "+12025550177",
    from: caller.phone,
  });
  expect(server.wakes).toBe(wakes + 1);
  const { rows } = await db.query(
    `select r.campaign_id, r.row_index, r.phone, r.variables, r.prompt_override, r.claimable, r.queued_call_id, c.status,
       c.open, c.attempt, c.to_number, c.from_number
     from recipients r join calls c on c.recipient_id = r.id where c.id = $1`,
    [made.body.call_id],
  );
  expect(rows).toEqual([
    {
      campaign_id: null,
      row_index: 0,
      phone: "+12025550177",
      variables: { name: "Ada", seats: 2 },
      prompt_override: "Confirm {time} with {name}.",
      claimable: true,
      queued_call_id: made.body.call_id,
      status: "queued",
      open: false,
      attempt: 1,
      to_number: "+12025550177",
      from_number: caller.phone,
    },
  ]);
  const call = await caller.ask("GET", `/v1/calls/${made.body.call_id}`);
  expect(call.body).toMatchObject({
    call_status: "queued",
    ended_reason: null,
    call_direction: "outbound",
    duration_ms: 0,
  });
});

test.each<[string, object | undefined, number, string]>([
  ["nothing", undefined, 400, "missing_field"],
  ["`to` instead of to_number", { to_number: undefined, to: "+12025550177" }, 400, "missing_field"],
  ["a blank prompt", { prompt: "  " }, 400, "missing_field"],
  ["a null prompt", { prompt: null }, 400, "missing_field"],
  ["a prompt of 10,001", { prompt: "x".repeat(10_001) }, 400, "prompt_too_long"],
  ["a national number", { to_number: "2025550177" }, 400, "invalid_phone_format"],
  ["a premium number", { to_number: "+19005550177" }, 400, "invalid_phone_format"],
  [
    "a bad phone before a bad agent",
    { to_number: "1", agent_id: "agent_0" },
    400,
    "invalid_phone_format",
  ],
  ["an unknown agent", { agent_id: "agent_0000000000000000" }, 404, "agent_not_found"],
  ["a foreign from_number", { from_number: "+12025550199" }, 400, "from_number_not_found"],
  ["an unknown campaign", { campaign_id: "batchcall_0000000000000000" }, 404, "campaign_not_found"],
  ["nested variables", { dynamic_vars: { a: { b: 1 } } }, 400, "invalid_request"],
  ["variables as text", { dynamic_vars: "name=Ada" }, 400, "invalid_request"],
])("refuses %s", async (_name, change, status, code) => {
  const body = change === undefined ? undefined : order(change);
  const answer = await caller.ask("POST", "/v1/calls/outbound", body);
  expect([answer.status, answer.body.error.code]).toEqual([status, code]);
});

test("the number: first that may call, or the named one, or none", async () => {
  const tenant = await server.caller();
  const url = `/v1/phone-numbers/${encodeURIComponent(tenant.phone)}`;
  const call = (more: object = {}) =>
    tenant.ask("POST", "/v1/calls/outbound", order({ agent_id: tenant.agentId, ...more }));
  expect((await call({ from_number: tenant.phone })).body.from).toBe(tenant.phone);
  await tenant.ask("PATCH", url, { outbound_enabled: false });
  expect((await call()).body.error.code).toBe("agent_missing_phone_number");
  expect((await call({ from_number: tenant.phone })).body.error.code).toBe("from_number_not_found");
});

test("country, model and inactive agent", async () => {
  const tenant = await server.caller({ allowed_countries: ["GB"] });
  const call = () => tenant.ask("POST", "/v1/calls/outbound", order({ agent_id: tenant.agentId }));
  expect((await call()).body.error.code).toBe("country_not_allowed");
  await server.operator("PATCH", `/v1/keys/${tenant.keyId}`, { allowed_countries: null });
  server.model = { kind: "missing", instruction: "Set CARILLON_MODEL." };
  expect((await call()).body.error.code).toBe("model_not_configured");
  server.model = { kind: "ready", name: "test" };
  await tenant.ask("PUT", `/v1/agents/${tenant.agentId}`, { is_active: false });
  expect((await call()).body.error.message).toContain("inactive");
});

async function endedCall(
  tenant: typeof caller,
  more: Record<string, unknown> = {},
): Promise<string> {
  const made = await tenant.ask(
    "POST",
    "/v1/calls/outbound",
    order({ agent_id: tenant.agentId, dynamic_vars: { name: "Ada" } }),
  );
  const facts = {
    status: "completed",
    sent_at: "2030-06-12T11:00:00Z",
    answered_at: "2030-06-12T11:00:05Z",
    ended_at: "2030-06-12T11:01:05Z",
    duration_seconds: 60,
    ended_reason: "callee_hangup",
    transcript: JSON.stringify([
      { role: "agent", text: "Hello,\nthis is Sarah." },
      { role: "callee", text: "Hi." },
    ]),
    greeting: "Hello",
    ...more,
  };
  const names = Object.keys(facts);
  await db.query(
    `update calls set ${names.map((name, index) => `${name} = $${index + 2}`).join(", ")} where id = $1`,
    [made.body.call_id, ...Object.values(facts)],
  );
  await db.query(
    "update recipients set state = 'reached', settled = true, claimable = false where queued_call_id = $1",
    [made.body.call_id],
  );
  return made.body.call_id;
}

test("an ended call reads as the contract says", async () => {
  const id = await endedCall(caller);
  expect((await caller.ask("GET", `/v1/calls/${id}`)).body).toMatchObject({
    call_status: "completed",
    ended_reason: "callee_hangup",
    start_timestamp: Date.parse("2030-06-12T11:00:00Z"),
    answered_at: Date.parse("2030-06-12T11:00:05Z"),
    end_timestamp: Date.parse("2030-06-12T11:01:05Z"),
    duration_ms: 60_000,
    charged_minutes: 1,
    transcript: "AI: Hello, this is Sarah.\nCaller: Hi.",
    voicemail_detected: false,
    voicemail_detection_method: null,
    extracted_data: {},
    bookings: [],
  });
});

test.each([
  ["reserved", null, "queued", null],
  ["dialing", null, "initiated", null],
  ["ringing", null, "ringing", null],
  ["in_progress", "completed", "in-progress", null],
  ["no_answer", null, "no-answer", "no-answer"],
  ["busy", "busy", "busy", "busy"],
  ["uncertain", null, "failed", "uncertain"],
])("a %s call (reason %s) shows %s and %s", async (status, reason, word, shown) => {
  const id = await endedCall(caller, { status, ended_reason: reason });
  expect((await caller.ask("GET", `/v1/calls/${id}`)).body).toMatchObject({
    call_status: word,
    ended_reason: shown,
  });
});

test("a machine's verdict is voicemail", async () => {
  const id = await endedCall(caller, {
    answered_by: "machine",
    carrier_answered_by: "machine",
    carrier_verdict: "machine_end_beep",
    ended_reason: "voicemail_detected",
  });
  expect((await caller.ask("GET", `/v1/calls/${id}`)).body).toMatchObject({
    voicemail_detected: true,
    voicemail_detection_method: "twilio_amd",
    amd_result: "machine_end_beep",
  });
});

test("lists calls newest first with filters and clamped pages", async () => {
  const tenant = await server.caller();
  const campaign = await tenant.ask("POST", "/v1/calls/batch", {
    agent_id: tenant.agentId,
    prompt: "x",
    recipients: [{ phone: "+12025550101" }],
  });
  const ids: string[] = [];
  for (let made = 0; made < 3; made += 1) {
    server.clock.advance(1_000);
    ids.unshift(await endedCall(tenant, made === 1 ? { status: "busy" } : {}));
  }
  server.clock.advance(1_000);
  const filed = await tenant.ask(
    "POST",
    "/v1/calls/outbound",
    order({ agent_id: tenant.agentId, campaign_id: campaign.body.campaign_id }),
  );
  ids.unshift(filed.body.call_id);
  const list = async (query: string) =>
    (await tenant.ask("GET", `/v1/calls${query}`)).body.map(
      (call: { call_id: string }) => call.call_id,
    );
  expect(await list("")).toEqual(ids);
  expect(await list("?limit=2&offset=1")).toEqual([ids[1], ids[2]]);
  expect(await list("?limit=5000")).toHaveLength(4);
  expect(await list("?status=busy")).toEqual([ids[2]]);
  expect(await list("?status=queued")).toEqual([ids[0]]);
  expect(await list(`?campaign_id=${campaign.body.campaign_id}`)).toEqual([ids[0]]);
  expect(await list("?agent_id=agent_other")).toEqual([]);
  expect((await tenant.ask("GET", "/v1/calls?status=asleep")).body.error.code).toBe(
    "invalid_request",
  );
  expect((await tenant.ask("GET", "/v1/calls?agent_id=%00")).body.error.code).toBe(
    "invalid_request",
  );
});

test("deleting a call takes away what was said, and its recipient's variables", async () => {
  const id = await endedCall(caller);
  expect((await caller.ask("DELETE", `/v1/calls/${id}`)).body).toEqual({
    call_id: id,
    deleted: true,
    recording_deleted: false,
  });
  expect((await caller.ask("GET", `/v1/calls/${id}`)).body.error.code).toBe("call_not_found");
  expect((await caller.ask("DELETE", `/v1/calls/${id}`)).status).toBe(404);
  const { rows } = await db.query(
    `select c.transcript, c.greeting, c.duration_seconds, r.variables, r.prompt_override
     from calls c join recipients r on r.id = c.recipient_id where c.id = $1`,
    [id],
  );
  expect(rows).toEqual([
    {
      transcript: null,
      greeting: null,
      duration_seconds: 60,
      variables: {},
      prompt_override: null,
    },
  ]);
});

test("a live call is not deleted", async () => {
  const made = await caller.ask("POST", "/v1/calls/outbound", order());
  const answer = await caller.ask("DELETE", `/v1/calls/${made.body.call_id}`);
  expect([answer.status, answer.body.error.code]).toEqual([409, "call_in_progress"]);
  expect((await caller.ask("GET", `/v1/calls/${made.body.call_id}`)).status).toBe(200);
});

test("deleting all calls skips live ones and other keys' calls", async () => {
  const tenant = await server.caller();
  const other = await server.caller();
  await endedCall(tenant);
  await endedCall(tenant);
  await tenant.ask("POST", "/v1/calls/outbound", order({ agent_id: tenant.agentId }));
  const foreign = await endedCall(other);
  expect((await tenant.ask("DELETE", "/v1/calls")).body).toEqual({
    deleted: true,
    calls_deleted: 2,
    recordings_deleted: 0,
    sms_deleted: 0,
    calls_skipped: 1,
  });
  expect((await tenant.ask("GET", "/v1/calls")).body).toHaveLength(1);
  expect((await other.ask("GET", `/v1/calls/${foreign}`)).status).toBe(200);
});

test("erasing in runs reaches every call, also those made in the same millisecond", async () => {
  const tenant = await server.caller();
  for (let made = 0; made < 5; made += 1) await endedCall(tenant);
  let runs = 0;
  let after = null;
  do {
    const run: Awaited<ReturnType<typeof eraseEndedCalls>> = await eraseEndedCalls(
      db,
      tenant.keyId,
      { now: server.clock.now(), limit: 2, after },
    );
    after = run.last;
    runs += 1;
  } while (after !== null);
  expect(runs).toBe(4);
  expect((await tenant.ask("GET", "/v1/calls")).body).toEqual([]);
});

test("usage counts calls, minutes and the most at once", async () => {
  const tenant = await server.caller({ concurrent_call_limit: 4 });
  await endedCall(tenant);
  await endedCall(tenant, {
    sent_at: "2030-06-12T11:00:30Z",
    ended_at: "2030-06-12T11:02:00Z",
    duration_seconds: 30,
  });
  await endedCall(tenant, {
    sent_at: "2030-06-12T12:00:00Z",
    ended_at: "2030-06-12T12:01:00Z",
    duration_seconds: null,
  });
  expect((await tenant.ask("GET", "/v1/usage")).body).toEqual({
    plan: "self_hosted",
    total_calls: 3,
    total_minutes: 1.5,
    total_cost: 0,
    rate_limit_per_minute: 100_000,
    max_concurrent: 4,
    peak_concurrent_this_month: 2,
    rejected_at_cap_this_month: 0,
  });
});
