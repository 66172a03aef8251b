// Importing numbers through a pretend carrier, changing and forgetting them, and their webhooks.

import { afterAll, expect, test } from "vitest";
import { createSecretBox } from "../../src/app/secret-box.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { AccountCheck, NumberCheck } from "../../src/ports/carrier.ts";
import { testDatabase } from "../support/test-database.ts";
import { nextPhone, testServer, TOKEN } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

const sid = (name: string) => `AC${Buffer.from(name).toString("hex").padEnd(32, "0").slice(0, 32)}`;

async function tenantWithAgent() {
  const tenant = await server.tenant();
  const agent = await tenant.ask("POST", "/v1/agents");
  return { ...tenant, agentId: agent.body.agent_id as string };
}

const importBody = (agentId: string, more: object = {}) => ({
  phone_number: nextPhone(),
  agent_id: agentId,
  twilio_sid: sid("first"),
  twilio_token: TOKEN,
  ...more,
});

test("imports a number with its account, the token encrypted", async () => {
  const tenant = await tenantWithAgent();
  const body = importBody(tenant.agentId, { custom_prompt: "Be brief.", calls_per_second: 5 });
  const made = await tenant.ask("POST", "/v1/phone-numbers", body);
  expect(made.status).toBe(201);
  expect(made.body.phone_number).toMatchObject({
    phone_number: body.phone_number,
    agent_id: tenant.agentId,
    provider: "twilio",
    twilio_number_sid: `PN${"1".repeat(32)}`,
    inbound_enabled: true,
    outbound_enabled: true,
    custom_prompt: "Be brief.",
    calls_per_second: 5,
    max_concurrent_calls: null,
  });
  const { rows } = await db.query<{ token: Uint8Array }>(
    "select auth_token_encrypted as token from carrier_accounts where carrier_account_id = $1",
    [sid("first")],
  );
  const stored = rows[0]?.token ?? new Uint8Array();
  expect(Buffer.from(stored).includes(TOKEN)).toBe(false);
  const box = createSecretBox(new Uint8Array(32).fill(7), seededRandom(1));
  expect(box.decrypt(stored)).toBe(TOKEN);
  expect(made.text).not.toContain(TOKEN);
});

test("takes camelCase names; a field's own name wins", async () => {
  const tenant = await tenantWithAgent();
  const phone = nextPhone();
  const made = await tenant.ask("POST", "/v1/phone-numbers", {
    phoneNumber: phone,
    agentId: tenant.agentId,
    twilioSid: sid("camel"),
    twilioToken: TOKEN,
    customPrompt: "alias",
    custom_prompt: "own",
  });
  expect(made.body.phone_number).toMatchObject({ phone_number: phone, custom_prompt: "own" });
});

test.each([0.01, 0.5, 2.5])("an account may be paced at %s calls a second", async (pace) => {
  const tenant = await tenantWithAgent();
  const body = importBody(tenant.agentId, {
    twilio_sid: sid(`pace ${pace}`),
    calls_per_second: pace,
  });
  const made = await tenant.ask("POST", "/v1/phone-numbers", body);
  expect(made.status).toBe(201);
  expect(made.body.phone_number).toMatchObject({ calls_per_second: pace });
});

test("numbers of one account share its pace, whoever imports them", async () => {
  const first = await tenantWithAgent();
  const second = await tenantWithAgent();
  const account = { twilio_sid: sid("shared") };
  server.carrier.accountCheck = () => ({
    kind: "verified",
    accountType: "trial",
    maxConcurrentCalls: 4,
  });
  await first.ask("POST", "/v1/phone-numbers", importBody(first.agentId, account));
  await second.ask(
    "POST",
    "/v1/phone-numbers",
    importBody(second.agentId, { ...account, calls_per_second: 3 }),
  );
  for (const tenant of [first, second]) {
    const { body } = await tenant.ask("GET", "/v1/phone-numbers");
    expect(body).toMatchObject({
      count: 1,
      phone_numbers: [{ calls_per_second: 3, max_concurrent_calls: 4 }],
    });
  }
});

test.each([
  ["no body", () => undefined, 400, "missing_field"],
  ["no token", () => ({ twilio_token: undefined }), 400, "missing_field"],
  ["a null agent", () => ({ agent_id: null }), 400, "missing_field"],
  ["a national number", () => ({ phone_number: "02079460000" }), 400, "invalid_phone_format"],
  [
    "a number of 10,001 digits",
    () => ({ phone_number: `+${"1".repeat(10_000)}` }),
    400,
    "invalid_request",
  ],
  ["a broken account id", () => ({ twilio_sid: "AC123" }), 400, "invalid_twilio_sid"],
  [
    "an account id in capitals",
    () => ({ twilio_sid: `AC${"A".repeat(32)}` }),
    400,
    "invalid_twilio_sid",
  ],
  [
    "a prompt of 8,001",
    () => ({ custom_prompt: "x".repeat(8_001) }),
    400,
    "custom_prompt_too_long",
  ],
  ["a pace of nothing", () => ({ calls_per_second: 0 }), 400, "invalid_request"],
  ["a pace of a million", () => ({ calls_per_second: 1e6 }), 400, "invalid_request"],
  ["an unknown agent", () => ({ agent_id: "agent_0123456789abcdef" }), 404, "agent_not_found"],
  ["a wrong token", () => ({ twilio_token: "wrong" }), 401, "twilio_auth_failed"],
])("refuses %s", async (_name, change, status, code) => {
  server.carrier.accountCheck = (_account, token) =>
    token === TOKEN
      ? { kind: "verified", accountType: "full", maxConcurrentCalls: null }
      : { kind: "rejected", reason: "credentials", message: "Authenticate" };
  const tenant = await tenantWithAgent();
  const changed = change();
  const body = changed === undefined ? undefined : importBody(tenant.agentId, changed);
  const answer = await tenant.ask("POST", "/v1/phone-numbers", body);
  expect(answer.status).toBe(status);
  if (code !== "invalid_request") expect(answer.body.error.code).toBe(code);
  expect((await tenant.ask("GET", "/v1/phone-numbers")).body.count).toBe(0);
});

test("says what the carrier said", async () => {
  const tenant = await tenantWithAgent();
  type Outcome = readonly [
    string,
    (() => AccountCheck) | null,
    (() => NumberCheck) | null,
    number,
    string,
  ];
  const outcomes: readonly Outcome[] = [
    [
      "closed account",
      () => ({ kind: "rejected", reason: "closed", message: "closed" }),
      null,
      401,
      "twilio_invalid_credentials",
    ],
    [
      "silent carrier",
      () => ({ kind: "failed", message: "timeout" }),
      null,
      502,
      "carrier_unavailable",
    ],
    ["foreign number", null, () => ({ kind: "not_owned" }), 404, "number_not_in_twilio"],
    [
      "number without voice",
      null,
      () => ({ kind: "owned", carrierNumberId: null, canCall: false }),
      404,
      "number_not_in_twilio",
    ],
    [
      "silent number check",
      null,
      () => ({ kind: "failed", message: "timeout" }),
      502,
      "carrier_unavailable",
    ],
  ];
  const { accountCheck, numberCheck } = server.carrier;
  for (const [name, account, number, status, code] of outcomes) {
    server.carrier.accountCheck =
      account ?? (() => ({ kind: "verified", accountType: "full", maxConcurrentCalls: null }));
    server.carrier.numberCheck = number ?? numberCheck;
    const answer = await tenant.ask("POST", "/v1/phone-numbers", importBody(tenant.agentId));
    expect([answer.status, answer.body.error.code], name).toEqual([status, code]);
  }
  Object.assign(server.carrier, { accountCheck, numberCheck });
});

test("a number is imported once, even by two requests at once", async () => {
  const tenant = await tenantWithAgent();
  const body = importBody(tenant.agentId);
  const answers = await Promise.all([
    tenant.ask("POST", "/v1/phone-numbers", body),
    tenant.ask("POST", "/v1/phone-numbers", body),
  ]);
  expect(answers.map((answer) => answer.status).toSorted((one, two) => one - two)).toEqual([
    201, 409,
  ]);
  const other = await tenantWithAgent();
  const stolen = await other.ask("POST", "/v1/phone-numbers", { ...body, agent_id: other.agentId });
  expect(stolen.body.error.code).toBe("number_already_imported");
});

test("finds a number by its path however the + arrives", async () => {
  const caller = await server.caller();
  const digits = caller.phone.slice(1);
  for (const path of [`%2B${digits}`, `+${digits}`, `%20${digits}`]) {
    const answer = await caller.ask("PATCH", `/v1/phone-numbers/${path}`, { speaking_rate: 0.1 });
    expect(answer.body.phone_number, path).toMatchObject({
      phone_number: caller.phone,
      speaking_rate: 0.5,
    });
  }
});

test("updates what is sent, and refuses nothing and nonsense", async () => {
  const caller = await server.caller();
  const url = `/v1/phone-numbers/${encodeURIComponent(caller.phone)}`;
  await caller.ask("PATCH", url, {
    custom_prompt: "kept",
    calls_per_second: 7,
    max_concurrent_calls: 12,
  });
  const changed = await caller.ask("PATCH", url, { outbound_enabled: false, dtmf_enabled: true });
  expect(changed.body.phone_number).toMatchObject({
    custom_prompt: "kept",
    outbound_enabled: false,
    dtmf_enabled: true,
    calls_per_second: 7,
    max_concurrent_calls: 12,
  });
  expect(
    (await caller.ask("PATCH", url, { custom_prompt: "" })).body.phone_number.custom_prompt,
  ).toBeNull();
  const refusals: readonly [unknown, string][] = [
    [undefined, "missing_field"],
    [{}, "missing_field"],
    [{ unknown: 1 }, "missing_field"],
    [{ custom_prompt: "x".repeat(8_001) }, "custom_prompt_too_long"],
    [{ voicemail_message: "x".repeat(2_001) }, "invalid_request"],
    [{ voicemail_leave_enabled: true }, "voicemail_message_required"],
    [{ voice_id: "<b>" }, "invalid_voice_id"],
    [{ outbound_enabled: "yes" }, "invalid_request"],
    [{ agent_id: "agent_0123456789abcdef" }, "agent_not_found"],
  ];
  for (const [body, code] of refusals) {
    expect((await caller.ask("PATCH", url, body)).body.error.code, code).toBe(code);
  }
});

test("a new token is verified first; the old one is kept for a day", async () => {
  const tenant = await tenantWithAgent();
  const body = importBody(tenant.agentId, { twilio_sid: sid("rotating") });
  await tenant.ask("POST", "/v1/phone-numbers", body);
  await db.query(
    "update carrier_accounts set paused_at = created_at, pause_reason = 'token' where carrier_account_id = $1",
    [sid("rotating")],
  );
  const url = `/v1/phone-numbers/${encodeURIComponent(body.phone_number)}`;
  const { accountCheck } = server.carrier;
  expect((await tenant.ask("PATCH", url, { twilio_token: "bad" })).body.error.code).toBe(
    "twilio_auth_failed",
  );
  server.carrier.accountCheck = () => ({
    kind: "verified",
    accountType: "full",
    maxConcurrentCalls: null,
  });
  const changed = await tenant.ask("PATCH", url, { twilio_token: "new-token" });
  expect(changed.body.phone_number.account_paused_reason).toBeNull();
  server.carrier.accountCheck = accountCheck;
  const { rows } = await db.query<{ now: Uint8Array; before: Uint8Array; until: number }>(
    `select auth_token_encrypted as now, previous_token_encrypted as before, previous_token_valid_until as until
     from carrier_accounts where carrier_account_id = $1`,
    [sid("rotating")],
  );
  const box = createSecretBox(new Uint8Array(32).fill(7), seededRandom(1));
  expect(box.decrypt(rows[0]?.now ?? new Uint8Array())).toBe("new-token");
  expect(box.decrypt(rows[0]?.before ?? new Uint8Array())).toBe(TOKEN);
  expect(rows[0]?.until).toBe(server.clock.now() + 86_400_000);
});

test("an enabled number is off the bench", async () => {
  const caller = await server.caller();
  await db.query(
    "update phone_numbers set benched_at = created_at, bench_reason = 'not yours' where phone = $1",
    [caller.phone],
  );
  const url = `/v1/phone-numbers/${encodeURIComponent(caller.phone)}`;
  const benched = await caller.ask("PATCH", url, { dtmf_enabled: true });
  expect(benched.body.phone_number.benched_reason).toBe("not yours");
  const freed = await caller.ask("PATCH", url, { outbound_enabled: true });
  expect(freed.body.phone_number.benched_reason).toBeNull();
});

test("webhook addresses of a number: set, read, clear, two of them", async () => {
  const caller = await server.caller();
  const number = encodeURIComponent(caller.phone);
  const one = `/v1/integrations/webhook/number/${number}`;
  const two = `/v1/integrations/webhook2/number/${number}`;
  const url = "https://example.com/hook";
  expect((await caller.ask("PUT", one, { url })).body).toEqual({
    ok: true,
    phone_number: caller.phone,
    url,
    webhook_url: url,
  });
  expect((await caller.ask("GET", one)).body).toEqual({
    phone_number: caller.phone,
    webhook_url: url,
    is_set: true,
  });
  expect((await caller.ask("GET", two)).body).toEqual({
    phone_number: caller.phone,
    webhook_url_2: null,
    is_set: false,
  });
  expect((await caller.ask("DELETE", one)).body).toEqual({
    ok: true,
    deleted: true,
    phone_number: caller.phone,
  });
  expect((await caller.ask("GET", one)).body.is_set).toBe(false);
  expect((await caller.ask("PUT", one, { url: "http://example.com" })).body.error.code).toBe(
    "invalid_url",
  );
  expect((await caller.ask("PUT", one, {})).body.error.code).toBe("missing_field");
  expect(
    (await caller.ask("PUT", one, { url: "https://user:pass@example.com" })).body.error.code,
  ).toBe("invalid_url");
});

test("deletes a number, and a list without numbers is empty", async () => {
  const caller = await server.caller();
  const url = `/v1/phone-numbers/${encodeURIComponent(caller.phone)}`;
  expect((await caller.ask("GET", `/v1/phone-numbers?agent_id=${caller.agentId}`)).body.count).toBe(
    1,
  );
  expect((await caller.ask("DELETE", url)).body).toEqual({
    phone_number: { phone_number: caller.phone, deleted: true },
  });
  expect((await caller.ask("DELETE", url)).body.error.code).toBe("number_not_found");
  expect((await caller.ask("GET", "/v1/phone-numbers")).body).toEqual({
    phone_numbers: [],
    count: 0,
  });
});
