// Requests sent twice, on purpose or not, one after another and at once: one effect.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
afterAll(() => server.app.close());

let numbers = 0;
const next = (): number => (numbers += 1);
const key = (): string => `idem-${next()}`;
const batch = (more: object = {}) => ({
  agent_id: caller.agentId,
  prompt: `Remind them ${next()}.`,
  recipients: [{ phone: "+12025550101" }],
  ...more,
});
const post = (body: unknown, headers: object = {}, url = "/v1/calls/batch") =>
  caller.ask("POST", url, body, headers);

async function campaigns(): Promise<number> {
  const { rows } = await db.query<{ n: number }>("select count(*) as n from campaigns");
  return rows[0]?.n ?? -1;
}

test("the same key and body answers the first campaign for a day", async () => {
  const headers = { "idempotency-key": key() };
  const body = batch();
  const first = await post(body, headers);
  const before = await campaigns();
  server.clock.advance(23 * 3_600_000);
  const second = await post(body, headers);
  expect(second.status).toBe(201);
  expect(second.text).toBe(first.text);
  expect(first.headers["idempotent-replayed"]).toBeUndefined();
  expect(second.headers["idempotent-replayed"]).toBe("true");
  expect(await campaigns()).toBe(before);
  server.clock.advance(2 * 3_600_000);
  const third = await post(body, headers);
  expect(third.body.campaign_id).not.toBe(first.body.campaign_id);
});

test("another body or another route under the same key is a conflict", async () => {
  const headers = { "idempotency-key": key() };
  const body = batch();
  await post(body, headers);
  const other = await post({ ...body, name: "other" }, headers);
  expect([other.status, other.body.error.code]).toEqual([409, "idempotency_key_reused"]);
  const route = await post({}, headers, "/v1/agents");
  expect(route.body.error.code).toBe("idempotency_key_reused");
});

test("keys belong to their API key", async () => {
  const headers = { "idempotency-key": key() };
  await post({ name: "one" }, headers, "/v1/agents");
  const other = await server.tenant();
  expect((await other.ask("POST", "/v1/agents", { name: "two" }, headers)).status).toBe(201);
});

test("of many at once one works, the others wait or replay, and one campaign exists", async () => {
  const headers = { "idempotency-key": key() };
  const body = batch();
  const before = await campaigns();
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(body, headers)));
  expect(await campaigns()).toBe(before + 1);
  const ids = new Set(
    answers.filter(({ status }) => status === 201).map((answer) => answer.body.campaign_id),
  );
  expect(ids.size).toBe(1);
  for (const { status, body: refused } of answers.filter((answer) => answer.status !== 201)) {
    expect([status, refused.error.code]).toEqual([409, "request_in_progress"]);
  }
});

test("of many single calls at once under one key, one call exists", async () => {
  const headers = { "idempotency-key": key() };
  const body = { agent_id: caller.agentId, to_number: "+12025550144", prompt: "Hello" };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post(body, headers, "/v1/calls/outbound")),
  );
  expect(answers.some((answer) => answer.status === 201)).toBe(true);
  const { rows } = await db.query<{ n: number }>(
    "select count(*) as n from calls where to_number = '+12025550144'",
  );
  expect(rows[0]?.n).toBe(1);
  const replayed = await post(body, headers, "/v1/calls/outbound");
  expect(replayed.headers["idempotent-replayed"]).toBe("true");
});

test("a refused request is replayed; one that hit a fault of the server may be sent again", async () => {
  const headers = { "idempotency-key": key() };
  const bad = batch({ recipients: [{ phone: "+1" }] });
  const refused = await post(bad, headers);
  const again = await post(bad, headers);
  expect(again.text).toBe(refused.text);
  expect(again.headers["idempotent-replayed"]).toBe("true");

  const later = { "idempotency-key": key() };
  const { numberCheck } = server.carrier;
  server.carrier.numberCheck = () => ({ kind: "failed", message: "down" });
  const number = {
    phone_number: "+13035550199",
    agent_id: (await post({}, {}, "/v1/agents")).body.agent_id,
    twilio_sid: `AC${"0".repeat(31)}1`,
    twilio_token: "token-of-the-account",
  };
  expect((await post(number, later, "/v1/phone-numbers")).status).toBe(502);
  server.carrier.numberCheck = numberCheck;
  expect((await post(number, later, "/v1/phone-numbers")).status).toBe(201);
  const replayed = await post(number, later, "/v1/phone-numbers");
  expect([replayed.status, replayed.headers["idempotent-replayed"]]).toEqual([201, "true"]);
});

test("PUT, PATCH and DELETE replay too", async () => {
  const agent = await post({}, {}, "/v1/agents");
  const url = `/v1/agents/${agent.body.agent_id}`;
  const headers = { "idempotency-key": key() };
  const first = await caller.ask("DELETE", url, undefined, headers);
  const second = await caller.ask("DELETE", url, undefined, headers);
  expect(first.status).toBe(200);
  expect(second.body).toEqual(first.body);
});

test("a request whose process died may be taken over after its lock", async () => {
  const headers = { "idempotency-key": key() };
  const body = batch();
  await post(body, headers);
  await db.query(
    "update idempotency_keys set response_status = null, response_body = null where idempotency_key = $1",
    [headers["idempotency-key"]],
  );
  expect((await post(body, headers)).body.error.code).toBe("request_in_progress");
  server.clock.advance(121_000);
  expect((await post(body, headers)).status).toBe(201);
});

test.each([
  ["", 201],
  [" ", 201],
  ["x".repeat(256), 400],
  ["ключ", 400],
  ["a b", 400],
])("a key of %j answers %i", async (value, status) => {
  const answer = await post({}, { "idempotency-key": value }, "/v1/agents");
  // An empty header is no key to Node's parser and a bad one to ours; both are fine as long as it
  // is not a fault.
  expect([status, 400]).toContain(answer.status);
});

test("a rotation is never stored", async () => {
  const tenant = await server.tenant();
  const rotated = await tenant.ask("POST", "/v1/keys/rotate", undefined, {
    "idempotency-key": key(),
  });
  const { rows } = await db.query("select * from idempotency_keys where key_id = $1", [
    tenant.keyId,
  ]);
  expect(rows).toEqual([]);
  expect(rotated.status).toBe(200);
});

test("an identical create within ten minutes answers the first campaign", async () => {
  const body = batch();
  const first = await post(body);
  server.clock.advance(9 * 60_000);
  const second = await post(body);
  expect(second.status).toBe(201);
  expect(second.headers["idempotent-replayed"]).toBe("true");
  expect(second.body).toEqual(first.body);
  server.clock.advance(61_000);
  const third = await post(body);
  expect(third.headers["idempotent-replayed"]).toBeUndefined();
  expect(third.body.campaign_id).not.toBe(first.body.campaign_id);
});

test("allow_duplicate and an Idempotency-Key of its own create a second one; another key's body does not count", async () => {
  const allowed = batch({ allow_duplicate: true });
  const ids = [await post(allowed), await post(allowed)].map((answer) => answer.body.campaign_id);
  expect(ids[0]).not.toBe(ids[1]);
  const body = batch();
  const first = await post(body);
  const keyed = await post(body, { "idempotency-key": key() });
  expect(keyed.body.campaign_id).not.toBe(first.body.campaign_id);
  const other = await server.caller();
  expect((await other.ask("POST", "/v1/calls/batch", body)).status).toBe(404);
});

test("an identical create is recognised although it could not be made any more", async () => {
  const tenant = await server.caller();
  const body = { ...batch(), agent_id: tenant.agentId };
  const first = await tenant.ask("POST", "/v1/calls/batch", body);
  await tenant.ask("DELETE", `/v1/agents/${tenant.agentId}`);
  const second = await tenant.ask("POST", "/v1/calls/batch", body);
  expect(second.body).toEqual(first.body);
  expect(second.headers["idempotent-replayed"]).toBe("true");
});

test("identical creates at once make one campaign", async () => {
  const body = batch();
  const before = await campaigns();
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(body)));
  expect(new Set(answers.map((answer) => answer.body.campaign_id)).size).toBe(1);
  expect(answers.filter((answer) => answer.headers["idempotent-replayed"] === "true")).toHaveLength(
    7,
  );
  expect(await campaigns()).toBe(before + 1);
});
