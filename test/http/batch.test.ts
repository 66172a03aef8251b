// Creating a batch: what is answered and what is then in the database.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { NOON, testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
afterAll(() => server.app.close());

const three = [
  { phone: "+12025550101" },
  { phone: "+12025550102", variables: { patient_name: "John", visits: 3, is_new: false } },
  { phone: "+12025550103", prompt_override: "Say it\tdifferently\n\\now" },
];

let bodies = 0;
/** A valid body, different from every other one. */
function batch(more: object = {}): Record<string, unknown> {
  bodies += 1;
  return {
    agent_id: caller.agentId,
    prompt: `Remind them (${bodies}).`,
    recipients: three,
    ...more,
  };
}

async function campaignCount(): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    "select (select count(*) from campaigns) + (select count(*) from recipients) as n",
  );
  return rows[0]?.n ?? -1;
}

test("the contract's example, its numbers and date moved, is scheduled inside its window", async () => {
  const made = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    from_number: caller.phone,
    name: "Tuesday appointment reminders",
    prompt:
      "You are Sarah from Bright Smile Dental. Call to remind the patient about their check-up tomorrow and confirm they can attend.",
    timezone: "Europe/London",
    recipients: [
      { phone: "+447111000001" },
      { phone: "+447111000002", variables: { patient_name: "John" } },
      { phone: "+447111000003" },
    ],
    schedule_type: "schedule",
    scheduled_date: "2030-06-15",
    window_start_minutes: 540,
    window_end_minutes: 1080,
    window_days: ["mon", "tue", "wed", "thu", "fri"],
  });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    status: "scheduled",
    valid_count: 3,
    invalid_count: 0,
    invalid: [],
  });
  expect(made.body.campaign_id).toMatch(/^batchcall_[0-9a-f]{16}$/);
  const { body } = await caller.ask("GET", `/v1/calls/batch/${made.body.campaign_id}`);
  expect(body).toMatchObject({
    status: "scheduled",
    scheduled_date: "2030-06-15",
    window_days: ["mon", "tue", "wed", "thu", "fri"],
    timezone: "Europe/London",
    // The 15th is a Saturday: Monday 9:00 in British summer time.
    next_dial_at: "2030-06-17T08:00:00.000Z",
    recipients_count: 3,
    started_at: null,
    counts: { waiting: 3, calling: 0, reached: 0 },
    ended_reasons: {},
  });
});

test("a batch without a schedule runs at once, and wakes the engine", async () => {
  const wakes = server.wakes;
  const made = await caller.ask("POST", "/v1/calls/batch", batch());
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    campaign_id: expect.stringMatching(/^batchcall_/),
    status: "running",
    valid_count: 3,
    invalid_count: 0,
    invalid: [],
    duplicate_count: 0,
    suppressed_count: 0,
    timezone: "Europe/London",
  });
  expect(server.wakes).toBe(wakes + 1);
  const { rows } = await db.query(
    `select row_index, phone, variables, prompt_override, state, claimable, settled, due_at, key_id from recipients
     where campaign_id = $1 order by row_index`,
    [made.body.campaign_id],
  );
  const common = {
    state: "waiting",
    claimable: true,
    settled: false,
    due_at: NOON,
    key_id: caller.keyId,
  };
  expect(rows).toEqual([
    { row_index: 0, phone: "+12025550101", variables: {}, prompt_override: null, ...common },
    {
      row_index: 1,
      phone: "+12025550102",
      variables: three[1]?.variables,
      prompt_override: null,
      ...common,
    },
    {
      row_index: 2,
      phone: "+12025550103",
      variables: {},
      prompt_override: three[2]?.prompt_override,
      ...common,
    },
  ]);
});

test("a now campaign with a window waits for it, and says so", async () => {
  const made = await caller.ask(
    "POST",
    "/v1/calls/batch",
    batch({ window_start_minutes: 1080, window_end_minutes: 1200, timezone: "Asia/Dubai" }),
  );
  expect(made.body).toMatchObject({ status: "running", timezone: "Asia/Dubai" });
  const { campaign_id } = made.body;
  // 12:00 in London is 15:00 in Dubai; the window opens at 18:00 there.
  const { body } = await caller.ask("GET", `/v1/calls/batch/${campaign_id}`);
  expect(body.next_dial_at).toBe("2030-06-12T14:00:00.000Z");
  const list = await caller.ask("GET", `/v1/calls/batch/${campaign_id}/recipients`);
  expect(list.body.recipients[0]).toMatchObject({
    row_index: 0,
    state: "waiting",
    attempts: 0,
    call_ids: [],
    not_dialed_because: { rule: "outside_window" },
    until: "2030-06-12T14:00:00.000Z",
  });
});

test("the zone comes from the campaign, else the agent, else London", async () => {
  const other = await server.caller();
  await other.ask("PUT", `/v1/agents/${other.agentId}`, { timezone: "America/New_York" });
  const made = await other.ask("POST", "/v1/calls/batch", batch({ agent_id: other.agentId }));
  expect(made.body.timezone).toBe("America/New_York");
  const sent = await other.ask(
    "POST",
    "/v1/calls/batch",
    batch({ agent_id: other.agentId, timezone: "Asia/Tokyo" }),
  );
  expect(sent.body.timezone).toBe("Asia/Tokyo");
});

const mixed = [
  { phone: "+12025550101" },
  { phone: "02079460000" },
  { phone: "+1202" },
  { phone: 12025550104 },
  {},
  { phone: "+12025550101" },
];

test("invalid phones refuse the whole request and are listed", async () => {
  const before = await campaignCount();
  const answer = await caller.ask("POST", "/v1/calls/batch", batch({ recipients: mixed }));
  expect(answer.status).toBe(400);
  expect(answer.body.error).toMatchObject({
    type: "invalid_request",
    code: "invalid_phone_format",
    details: {
      total: 6,
      valid_count: 2,
      invalid_count: 4,
      hint: expect.stringContaining("skip_invalid"),
    },
  });
  expect(
    answer.body.error.details.invalid.map((entry: { row_index: number }) => entry.row_index),
  ).toEqual([1, 2, 3, 4]);
  expect(Object.keys(answer.body.error.details.invalid[0]).toSorted()).toEqual([
    "phone",
    "reason",
    "row_index",
  ]);
  expect(await campaignCount()).toBe(before);
});

test("skip_invalid calls the others, lists the invalid ones and keeps them as settled rows", async () => {
  const made = await caller.ask(
    "POST",
    "/v1/calls/batch",
    batch({ recipients: mixed, skip_invalid: true }),
  );
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ valid_count: 2, invalid_count: 4, duplicate_count: 1 });
  expect(made.body.invalid[0]).toMatchObject({ phone: "02079460000", row_index: 1 });
  const url = `/v1/calls/batch/${made.body.campaign_id}`;
  expect((await caller.ask("GET", url)).body).toMatchObject({
    recipients_count: 2,
    invalid_count: 4,
    counts: { waiting: 2, invalid: 4 },
  });
  const invalid = await caller.ask("GET", `${url}/recipients?state=invalid&limit=2&offset=1`);
  expect(invalid.body).toMatchObject({ count: 2, limit: 2, offset: 1 });
  expect(invalid.body.recipients[0]).toMatchObject({
    row_index: 2,
    phone: "+1202",
    state: "invalid",
    not_dialed_because: null,
  });
});

test("skip_duplicates keeps the first", async () => {
  const recipients = [
    { phone: "+12025550101" },
    { phone: "+1 (202) 555-0101" },
    { phone: "+12025550102" },
  ];
  const made = await caller.ask(
    "POST",
    "/v1/calls/batch",
    batch({ recipients, skip_duplicates: true }),
  );
  expect(made.body).toMatchObject({ valid_count: 2, duplicate_count: 1 });
  const list = await caller.ask("GET", `/v1/calls/batch/${made.body.campaign_id}/recipients`);
  expect(list.body.recipients.map((row: { row_index: number }) => row.row_index)).toEqual([0, 2]);
});

test("accepts what means nothing here", async () => {
  const made = await caller.ask(
    "POST",
    "/v1/calls/batch",
    batch({
      max_concurrent: 5,
      metadata: { a: { b: [1] } },
      name: null,
      timezone: null,
      window_days: null,
    }),
  );
  expect(made.status).toBe(201);
});

test("too many recipients", async () => {
  const recipients = Array.from({ length: 100_001 }, () => ({ phone: "+12025550101" }));
  const answer = await caller.ask("POST", "/v1/calls/batch", batch({ recipients }));
  expect(answer.body.error).toMatchObject({
    code: "too_many_recipients",
    details: { total: 100_001, max: 100_000 },
  });
});

test("nobody left to call: nothing is created", async () => {
  const before = await campaignCount();
  const answer = await caller.ask(
    "POST",
    "/v1/calls/batch",
    batch({ recipients: [{ phone: "+1" }], skip_invalid: true }),
  );
  expect([answer.status, answer.body.error.code]).toEqual([400, "campaign_no_recipients"]);
  expect(await campaignCount()).toBe(before);
});

test("from_number: the only one, the named one, and every way to be wrong", async () => {
  const tenant = await server.caller();
  const other = await server.caller();
  const create = (more: object) =>
    tenant.ask("POST", "/v1/calls/batch", batch({ agent_id: tenant.agentId, ...more }));
  const url = `/v1/phone-numbers/${encodeURIComponent(tenant.phone)}`;
  const fails = async (more: object, message: string | RegExp) => {
    const answer = await create(more);
    expect([answer.status, answer.body.error.code]).toEqual([400, "campaign_creation_failed"]);
    expect(answer.body.error.message).toMatch(message);
    return answer.body.error;
  };
  expect((await create({})).status).toBe(201);
  expect((await create({ from_number: tenant.phone })).status).toBe(201);
  await fails({ from_number: other.phone }, "not imported");
  await fails({ from_number: "12" }, "E.164");
  await fails({ from_number: "" }, "E.164");
  const second = await tenant.ask("POST", "/v1/agents");
  await fails(
    { agent_id: second.body.agent_id, from_number: tenant.phone },
    "not attached to this agent",
  );
  await fails({ agent_id: second.body.agent_id }, "no number that may call");
  await tenant.ask("PATCH", url, { outbound_enabled: false });
  await fails({ from_number: tenant.phone }, "outbound_enabled");
  await tenant.ask("PATCH", url, { outbound_enabled: true });
  await db.query(
    "update phone_numbers set benched_at = created_at, bench_reason = '21210' where phone = $1",
    [tenant.phone],
  );
  await fails({}, "21210");
  await tenant.ask("PATCH", url, { outbound_enabled: true });
  const moved = await other.ask("DELETE", `/v1/phone-numbers/${encodeURIComponent(other.phone)}`);
  expect(moved.status).toBe(200);
  server.clock.advance(1_000);
  await tenant.ask("POST", "/v1/phone-numbers", {
    phone_number: other.phone,
    agent_id: tenant.agentId,
    twilio_sid: `AC${"0".repeat(31)}1`,
    twilio_token: "token-of-the-account",
  });
  const several = await fails({}, "say which in from_number");
  expect(several.details.choices).toEqual([tenant.phone, other.phone]);
});

test("an inactive, unknown or foreign agent", async () => {
  const other = await server.caller();
  await other.ask("PUT", `/v1/agents/${other.agentId}`, { is_active: false });
  const inactive = await other.ask("POST", "/v1/calls/batch", batch({ agent_id: other.agentId }));
  expect([inactive.status, inactive.body.error.code]).toEqual([400, "campaign_creation_failed"]);
  for (const agent_id of [other.agentId, "agent_0000000000000000", "'; drop table agents; --"]) {
    const answer = await caller.ask("POST", "/v1/calls/batch", batch({ agent_id }));
    expect([answer.status, answer.body.error.code]).toEqual([404, "agent_not_found"]);
  }
});

test("a key may be kept to some countries", async () => {
  const tenant = await server.caller({ allowed_countries: ["US"] });
  const recipients = [{ phone: "+12025550101" }, { phone: "+447111000001" }];
  const body = batch({ agent_id: tenant.agentId, recipients });
  const refused = await tenant.ask("POST", "/v1/calls/batch", body);
  expect(refused.body.error).toMatchObject({
    code: "country_not_allowed",
    details: { invalid_count: 1 },
  });
  const made = await tenant.ask("POST", "/v1/calls/batch", { ...body, skip_invalid: true });
  expect(made.body).toMatchObject({
    valid_count: 1,
    invalid_count: 1,
    invalid: [{ row_index: 1 }],
  });
});

test("without a model nobody is called", async () => {
  server.model = { kind: "missing", instruction: "Set CARILLON_MODEL." };
  const before = await campaignCount();
  const refused = await caller.ask("POST", "/v1/calls/batch", batch());
  expect(refused.body.error).toMatchObject({
    code: "model_not_configured",
    message: "Set CARILLON_MODEL.",
  });
  expect(await campaignCount()).toBe(before);
  server.model = { kind: "ready", name: "test" };
});

test("overnight windows and windows of whole days open when they should", async () => {
  const next = async (more: object) => {
    const made = await caller.ask("POST", "/v1/calls/batch", batch(more));
    return (await caller.ask("GET", `/v1/calls/batch/${made.body.campaign_id}`)).body.next_dial_at;
  };
  // Wednesday around 12:00 in London.
  const now = () => new Date(server.clock.now()).toISOString();
  expect(await next({ window_start_minutes: 1320, window_end_minutes: 120 })).toBe(
    "2030-06-12T21:00:00.000Z",
  );
  expect(await next({ window_days: ["fri"] })).toBe("2030-06-13T23:00:00.000Z");
  expect(await next({ window_days: ["wed"] })).toBe(now());
  expect(await next({ schedule_type: "schedule", scheduled_date: "2030-06-12" })).toBe(now());
});

test("lists campaigns newest first, with a filter, under both paths", async () => {
  const tenant = await server.caller();
  const ids: string[] = [];
  for (const more of [{}, { schedule_type: "schedule", scheduled_date: "2030-06-20" }, {}]) {
    server.clock.advance(1_000);
    const made = await tenant.ask(
      "POST",
      "/v1/calls/batch",
      batch({ agent_id: tenant.agentId, ...more }),
    );
    ids.unshift(made.body.campaign_id);
  }
  const list = await tenant.ask("GET", "/v1/calls/batch");
  expect(list.body.count).toBe(3);
  expect(list.body.campaigns.map((one: { campaign_id: string }) => one.campaign_id)).toEqual(ids);
  expect((await tenant.ask("GET", "/v1/campaigns?limit=1")).body).toMatchObject({
    count: 1,
    campaigns: [{ campaign_id: ids[0] }],
  });
  expect((await tenant.ask("GET", "/v1/calls/batch?status=scheduled")).body.campaigns).toHaveLength(
    1,
  );
  expect((await tenant.ask("GET", "/v1/calls/batch?status=asleep")).status).toBe(400);
});
