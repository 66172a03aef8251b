// API keys, who may do what, rate limits, and what every answer carries.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { OPERATOR_TOKEN, testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

test("creates a key whose secret is shown once and kept as a hash", async () => {
  const made = await server.operator("POST", "/v1/keys", {
    name: "Bright Smile",
    concurrent_call_limit: 3,
  });
  expect(made.status).toBe(201);
  expect(made.body.key_id).toMatch(/^key_[0-9a-f]{32}$/);
  expect(made.body.key_secret).toMatch(/^[A-Za-z0-9]{48}$/);
  expect(made.body.concurrent_call_limit).toBe(3);
  const { rows } = await db.query("select * from api_keys where id = $1", [made.body.key_id]);
  expect(JSON.stringify(rows)).not.toContain(made.body.key_secret);
  const slots = await db.query("select number from slots where key_id = $1", [made.body.key_id]);
  expect(slots.rowCount).toBe(3);
  const listed = await server.operator("GET", "/v1/keys");
  expect(listed.body.keys[0].name).toBe("Bright Smile");
  expect(listed.text).not.toContain(made.body.key_secret);
});

test("defaults to ten calls at once", async () => {
  const made = await server.operator("POST", "/v1/keys");
  expect(made.body.concurrent_call_limit).toBe(10);
});

test.each([
  ["nothing", undefined],
  ["half a key", "Bearer key_0123456789abcdef0123456789abcdef"],
  ["an empty secret", "Bearer key_0123456789abcdef0123456789abcdef:"],
  ["an unknown key", `Bearer key_0123456789abcdef0123456789abcdef:${"a".repeat(48)}`],
  ["another scheme", "Basic a2V5OnNlY3JldA=="],
  ["SQL", "Bearer key_' or 1=1 --:x"],
  ["a huge header", `Bearer ${"k".repeat(5000)}:x`],
])("refuses %s with one and the same message", async (_name, authorization) => {
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await server.ask({ url: "/v1/calls", headers });
  expect(answer.status).toBe(401);
  expect(answer.body.error).toEqual({
    type: "authentication_error",
    code: "unauthorized",
    message: "Invalid or missing API key",
    doc_url: "https://carillon.example/docs/errors#unauthorized",
    details: {},
  });
});

test("a wrong secret is refused before the body is read", async () => {
  const tenant = await server.tenant();
  const answer = await server.ask({
    method: "POST",
    url: "/v1/calls/batch",
    headers: {
      authorization: `Bearer ${tenant.keyId}:${"x".repeat(48)}`,
      "content-type": "application/json",
    },
    payload: "{not json",
  });
  expect(answer.status).toBe(401);
});

test("rotation kills the old secret at once and keeps the id", async () => {
  const tenant = await server.tenant();
  const rotated = await tenant.ask("POST", "/v1/keys/rotate");
  expect(rotated.status).toBe(200);
  expect(rotated.body.key_id).toBe(tenant.keyId);
  expect((await tenant.ask("GET", "/v1/usage")).status).toBe(401);
  const headers = { authorization: `Bearer ${tenant.keyId}:${rotated.body.key_secret}` };
  expect((await server.ask({ url: "/v1/usage", headers })).status).toBe(200);
});

test("two rotations at once leave exactly one secret that works", async () => {
  const tenant = await server.tenant();
  const answers = await Promise.all([
    tenant.ask("POST", "/v1/keys/rotate"),
    tenant.ask("POST", "/v1/keys/rotate"),
  ]);
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
});

test("revocation works at once", async () => {
  const tenant = await server.tenant();
  const revoked = await server.operator("DELETE", `/v1/keys/${tenant.keyId}`);
  expect(revoked.body).toMatchObject({ key_id: tenant.keyId, revoked: true });
  expect((await tenant.ask("GET", "/v1/usage")).status).toBe(401);
});

test("only the operator makes keys", async () => {
  const tenant = await server.tenant();
  expect((await tenant.ask("POST", "/v1/keys", {})).body.error.code).toBe("permission_denied");
  expect((await server.ask({ method: "POST", url: "/v1/keys" })).status).toBe(401);
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}x` };
  expect((await server.ask({ method: "POST", url: "/v1/keys", headers })).status).toBe(401);
  expect((await server.operator("GET", "/v1/calls")).status).toBe(401);
});

test.each([
  ["a negative limit", { concurrent_call_limit: -1 }, "concurrent_call_limit"],
  ["a huge limit", { concurrent_call_limit: 1e9 }, "concurrent_call_limit"],
  ["a limit as text", { concurrent_call_limit: "10" }, "concurrent_call_limit"],
  ["half a call", { concurrent_call_limit: 1.5 }, "concurrent_call_limit"],
  ["a country's name", { allowed_countries: ["germany"] }, "allowed_countries[0]"],
  ["a negative cap", { max_calls_per_day: -5 }, "max_calls_per_day"],
  ["a number as name", { name: 7 }, "name"],
  ["a name of 10,001 characters", { name: "x".repeat(10_001) }, "name"],
])("refuses a key with %s", async (_name, body, field) => {
  const answer = await server.operator("POST", "/v1/keys", body);
  expect(answer.status).toBe(400);
  expect(answer.body.error).toMatchObject({ code: "invalid_request", details: { field } });
});

async function slotsOf(keyId: string) {
  const { rows } = await db.query<{ number: number; call_id: string | null; retiring: boolean }>(
    "select number, call_id, retiring from slots where key_id = $1 order by number",
    [keyId],
  );
  return rows;
}

test("a lower limit takes free slots now and marks held ones; a higher one takes marks back first", async () => {
  const tenant = await server.tenant({ concurrent_call_limit: 4 });
  await db.query(
    "update slots set call_id = $1 || number where key_id = $1 and number in (1, 2, 4)",
    [tenant.keyId],
  );
  const limit = (concurrent_call_limit: number) =>
    server.operator("PATCH", `/v1/keys/${tenant.keyId}`, { concurrent_call_limit });
  expect((await limit(1)).body.concurrent_call_limit).toBe(1);
  expect(await slotsOf(tenant.keyId)).toEqual([
    { number: 1, call_id: `${tenant.keyId}1`, retiring: false },
    { number: 2, call_id: `${tenant.keyId}2`, retiring: true },
    { number: 4, call_id: `${tenant.keyId}4`, retiring: true },
  ]);
  await limit(0);
  expect((await slotsOf(tenant.keyId)).filter((slot) => slot.retiring)).toHaveLength(3);
  await limit(5);
  const slots = await slotsOf(tenant.keyId);
  expect(slots.map((slot) => slot.number)).toEqual([1, 2, 3, 4, 5]);
  expect(slots.some((slot) => slot.retiring)).toBe(false);
  expect(slots.filter((slot) => slot.call_id !== null)).toHaveLength(3);
});

test("limit changes at once end with as many slots as the last one says", async () => {
  const tenant = await server.tenant();
  const limits = [3, 20, 7, 0, 12, 5];
  await Promise.all(
    limits.map((concurrent_call_limit) =>
      server.operator("PATCH", `/v1/keys/${tenant.keyId}`, { concurrent_call_limit }),
    ),
  );
  const { rows } = await db.query<{ limit: number }>(
    'select concurrent_call_limit as "limit" from api_keys where id = $1',
    [tenant.keyId],
  );
  expect(await slotsOf(tenant.keyId)).toHaveLength(rows[0]?.limit ?? -1);
});

test("an update needs a field and a key that exists", async () => {
  const tenant = await server.tenant();
  expect((await server.operator("PATCH", `/v1/keys/${tenant.keyId}`, {})).body.error.code).toBe(
    "missing_field",
  );
  const unknown = await server.operator("PATCH", "/v1/keys/key_unknown", { name: "x" });
  expect(unknown.body.error.code).toBe("key_not_found");
});

test("the operator stops and resumes all dialing", async () => {
  const stopped = await server.operator("POST", "/v1/operator/stop", { reason: "wrong list" });
  expect(stopped.body).toMatchObject({ dialing: "stopped", reason: "wrong list" });
  server.clock.advance(60_000);
  const again = await server.operator("POST", "/v1/operator/stop");
  expect(again.body).toEqual(stopped.body);
  expect((await server.operator("GET", "/v1/operator/status")).body).toEqual(stopped.body);
  const resumed = await server.operator("POST", "/v1/operator/resume");
  expect(resumed.body).toEqual({ dialing: "running", stopped_at: null, reason: null });
  const tenant = await server.tenant();
  expect((await tenant.ask("POST", "/v1/operator/stop")).status).toBe(403);
});

test("every answer carries its request id twice, and the rate limit when it knows the key", async () => {
  const tenant = await server.tenant();
  for (const url of ["/v1/usage", "/v1/calls/call_unknown", "/nowhere", "/v1/health", "/v1/%zz"]) {
    const answer = await tenant.ask("GET", url);
    expect(answer.headers["x-request-id"], url).toMatch(/^req_[0-9a-f]{16}$/);
    expect(answer.headers["x-railway-request-id"], url).toBe(answer.headers["x-request-id"]);
  }
  const answer = await tenant.ask("GET", "/v1/calls/call_unknown");
  expect(answer.headers).toMatchObject({ "x-ratelimit-limit": "100000" });
  expect(Number(answer.headers["x-ratelimit-remaining"])).toBeLessThan(100_000);
  expect(Number(answer.headers["x-ratelimit-reset"])).toBeGreaterThan(server.clock.now() / 1000);
});

test("a key that asks too often waits for its minute to end, and others do not", async () => {
  const limited = await testServer(db, { rateLimitPerMinute: 3 });
  const eager = await limited.tenant();
  const other = await limited.tenant();
  for (let asked = 0; asked < 3; asked += 1) {
    expect((await eager.ask("GET", "/v1/usage")).status).toBe(200);
  }
  limited.clock.advance(20_000);
  const refused = await eager.ask("GET", "/v1/usage");
  expect(refused.status).toBe(429);
  expect(refused.headers["retry-after"]).toBe("40");
  expect(refused.headers["x-ratelimit-remaining"]).toBe("0");
  expect(refused.body.error).toMatchObject({
    type: "rate_limit_error",
    code: "rate_limit_exceeded",
    details: { retry_after: 40 },
  });
  expect((await other.ask("GET", "/v1/usage")).status).toBe(200);
  limited.clock.advance(40_000);
  expect((await eager.ask("GET", "/v1/usage")).status).toBe(200);
  await limited.app.close();
});

test("unknown paths are 404, wrong methods 405 with Allow", async () => {
  expect((await server.ask({ url: "/v1/nothing" })).body.error).toMatchObject({
    type: "not_found",
    code: "not_found",
  });
  const wrong = await server.ask({ method: "PATCH", url: "/v1/agents" });
  expect(wrong.status).toBe(405);
  expect(String(wrong.headers["allow"]).split(", ").toSorted()).toEqual(["GET", "POST"]);
  expect(wrong.body.error.code).toBe("method_not_allowed");
  const broken = await server.ask({ url: "/v1/agents/%zz" });
  expect(broken.status).toBe(400);
  expect(broken.body.error.code).toBe("invalid_request");
});

test("health needs no key", async () => {
  expect((await server.ask({ url: "/v1/health" })).status).toBe(200);
});
