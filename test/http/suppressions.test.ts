// Suppressions over the API: added, found, removed; who sees whose; and what they do to campaigns
// and calls.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { OPERATOR_TOKEN, testServer, type Answer, type Tenant } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

const at = (ms: number): string => new Date(ms).toISOString();
const operator = `Bearer ${OPERATOR_TOKEN}`;

function sendCsv(authorization: string, csv: string | Buffer, query = ""): Promise<Answer> {
  return server.ask({
    method: "POST",
    url: `/v1/suppressions${query}`,
    headers: { authorization, "content-type": "text/csv" },
    payload: csv,
  });
}

function check(tenant: Tenant, phone: string): Promise<Answer> {
  return tenant.ask("GET", `/v1/suppressions/check?phone=${encodeURIComponent(phone)}`);
}

function batchOf(agentId: string, phones: readonly string[], more: object = {}): object {
  const recipients = phones.map((phone) => ({ phone }));
  return { agent_id: agentId, prompt: "Say hello.", recipients, ...more };
}

test("one phone is added, found and removed", async () => {
  const tenant = await server.tenant();
  const reason = "Asked not to be called again";
  const added = await tenant.ask("POST", "/v1/suppressions", { phone: "+1 202 555-0101", reason });
  expect(added.status).toBe(200);
  const entry = {
    suppression_id: expect.stringMatching(/^sup_[0-9a-f]{16}$/),
    phone: "+12025550101",
    scope: "key",
    reason,
    source: "api",
    created_at: at(server.clock.now()),
  };
  expect(added.body).toEqual({
    added_count: 1,
    existing_count: 0,
    invalid_count: 0,
    invalid: [],
    suppressed_recipients_count: 0,
    suppressions: [entry],
  });
  const { suppression_id: id } = added.body.suppressions[0];
  expect((await tenant.ask("GET", "/v1/suppressions")).body).toEqual({
    suppressions: [entry],
    count: 1,
  });
  expect((await check(tenant, "+12025550101")).body).toEqual({
    phone: "+12025550101",
    suppressed: true,
    suppressed_by: [
      { scope: "key", since: entry.created_at, suppression_id: id, reason, source: "api" },
    ],
  });
  const removed = await tenant.ask("DELETE", `/v1/suppressions/${id}`);
  expect(removed.body).toEqual({ suppression_id: id, removed: true });
  expect((await check(tenant, "+12025550101")).body.suppressed).toBe(false);
  const again = await tenant.ask("DELETE", `/v1/suppressions/${id}`);
  expect([again.status, again.body.error.code]).toEqual([404, "suppression_not_found"]);
});

test("a phone added again keeps its id, date and source; a new reason replaces the old", async () => {
  const tenant = await server.tenant();
  const first = await tenant.ask("POST", "/v1/suppressions", {
    phone: "+12025550102",
    reason: "one",
  });
  server.clock.advance(60_000);
  const same = await tenant.ask("POST", "/v1/suppressions", { phone: "+12025550102" });
  expect(same.body).toMatchObject({ added_count: 0, existing_count: 1 });
  expect(same.body.suppressions).toEqual(first.body.suppressions);
  const other = await sendCsv(tenant.authorization, "+12025550102,two\n");
  expect(other.body).toMatchObject({ added_count: 0, existing_count: 1, suppressions: null });
  const list = await tenant.ask("GET", "/v1/suppressions");
  expect(list.body.suppressions).toEqual([{ ...first.body.suppressions[0], reason: "two" }]);
});

test("two adds of the same phones at once make one entry of each", async () => {
  const tenant = await server.tenant();
  const phones = ["+12025550103", "+12025550104", "+12025550105"];
  const answers = await Promise.all(
    [phones, phones.toReversed(), phones].map((list) =>
      tenant.ask("POST", "/v1/suppressions", { phones: list }),
    ),
  );
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(answers.reduce((sum, answer) => sum + answer.body.added_count, 0)).toBe(3);
  expect((await tenant.ask("GET", "/v1/suppressions")).body.count).toBe(3);
});

test("an invalid phone refuses the list and is named; skip_invalid adds the others", async () => {
  const tenant = await server.tenant();
  const body = { phones: ["+12025550106", "12025550107", ""] };
  const refused = await tenant.ask("POST", "/v1/suppressions", body);
  expect([refused.status, refused.body.error.code]).toEqual([400, "invalid_phone_format"]);
  expect(refused.body.error.details).toMatchObject({ valid_count: 1, invalid_count: 2 });
  expect(
    refused.body.error.details.invalid.map((one: { row_index: number }) => one.row_index),
  ).toEqual([1, 2]);
  expect((await tenant.ask("GET", "/v1/suppressions")).body.count).toBe(0);
  const added = await tenant.ask("POST", "/v1/suppressions?skip_invalid=true", body);
  expect(added.body).toMatchObject({ added_count: 1, invalid_count: 2 });
});

test.each([
  [{}, "missing_field"],
  [{ phones: [] }, "missing_field"],
  [{ phone: "+12025550101", phones: ["+12025550102"] }, "invalid_request"],
  [{ phone: 12_025_550_101 }, "invalid_request"],
  [{ phone: "+12025550101", reason: "x".repeat(501) }, "invalid_request"],
  [{ phones: Array.from({ length: 1_001 }, () => "+12025550101") }, "invalid_request"],
])("a body that is not understood is refused (%#)", async (body, code) => {
  const tenant = await server.tenant();
  const answer = await tenant.ask("POST", "/v1/suppressions", body);
  expect([answer.status, answer.body.error.code]).toEqual([400, code]);
});

test("a CSV is added whole, with or without header, BOM, CRLF and quotes", async () => {
  const tenant = await server.tenant();
  const csv =
    '\uFEFFReason,Phone\r\n"Asked, twice",+12025550110\r\n\r\n,+1 (202) 555-0111\r\nlate,+12025550110\r\n';
  const added = await sendCsv(tenant.authorization, csv);
  expect(added.body).toMatchObject({ added_count: 2, existing_count: 0, suppressions: null });
  const plain = await sendCsv(tenant.authorization, "+12025550112\n+12025550113,said so");
  expect(plain.body.added_count).toBe(2);
  const list = await tenant.ask("GET", "/v1/suppressions");
  const reasons = Object.fromEntries(
    list.body.suppressions.map((one: { phone: string; reason: string }) => [one.phone, one.reason]),
  );
  expect(reasons).toEqual({
    "+12025550110": "late",
    "+12025550111": null,
    "+12025550112": null,
    "+12025550113": "said so",
  });
  expect(new Set(list.body.suppressions.map((one: { source: string }) => one.source))).toEqual(
    new Set(["csv"]),
  );
});

test("invalid phones of a CSV are named by their line, and nothing is added", async () => {
  const tenant = await server.tenant();
  const csv = "phone,reason\n+12025550114,\n\n+1202,short\n+12025550115,\n0044,";
  const refused = await sendCsv(tenant.authorization, csv);
  expect([refused.status, refused.body.error.code]).toEqual([400, "invalid_phone_format"]);
  expect(refused.body.error.message).toContain("line 4");
  expect(
    refused.body.error.details.invalid.map((one: { phone: string; line: number }) => [
      one.phone,
      one.line,
    ]),
  ).toEqual([
    ["+1202", 4],
    ["0044", 6],
  ]);
  expect((await tenant.ask("GET", "/v1/suppressions")).body.count).toBe(0);
  const skipped = await sendCsv(tenant.authorization, csv, "?skip_invalid=true");
  expect(skipped.body).toMatchObject({ added_count: 2, invalid_count: 2 });
});

test.each([
  ["phone,name\n+12025550101,Ada", "Line 1", 400],
  ["phone\n+12025550101,why", "Line 2", 400],
  ["+12025550101,a,b", "Line 1", 400],
  ['+12025550101,"never closed', "Line 1", 400],
  ['+12025550101,ok\n+12025550102,a "quote" inside', "Line 2", 400],
  [`+12025550101,${"x".repeat(501)}`, "501 characters", 400],
  [`+12025550101,"${"x".repeat(5_000)}"`, "longer than", 400],
  [Buffer.from([0x2b, 0x31, 0xc3, 0x28]), "UTF-8", 400],
  ["+12025550101,\u0000", "NUL", 400],
])("a CSV that is not understood says where (%#)", async (csv, message, status) => {
  const tenant = await server.tenant();
  const answer = await sendCsv(tenant.authorization, csv);
  expect([answer.status, answer.body.error.code]).toEqual([status, "invalid_request"]);
  expect(answer.body.error.message).toContain(message);
  expect((await tenant.ask("GET", "/v1/suppressions")).body.count).toBe(0);
});

test("a CSV may be longer than other bodies; JSON may not", async () => {
  const tenant = await server.tenant();
  const long = await sendCsv(tenant.authorization, `phone${"\n".repeat(2_000_000)}+12025550118`);
  expect(long.body).toMatchObject({ added_count: 1 });
  const json = await tenant.ask("POST", "/v1/suppressions", `{}${" ".repeat(2_000_000)}`);
  expect([json.status, json.body.error.code]).toEqual([413, "body_too_large"]);
});

test("an empty CSV, one too long and another type are refused", async () => {
  const tenant = await server.tenant();
  const empty = await sendCsv(tenant.authorization, "phone,reason\n");
  expect(empty.body.error.code).toBe("missing_field");
  const large = await sendCsv(tenant.authorization, Buffer.alloc(32 * 1024 * 1024 + 1, "\n"));
  expect([large.status, large.body.error.code]).toEqual([413, "body_too_large"]);
  const headers = { "content-type": "text/plain" };
  const other = await tenant.ask("POST", "/v1/suppressions", "+12025550101", headers);
  expect([other.status, other.body.error.code]).toEqual([415, "unsupported_media_type"]);
});

test("an upload with an Idempotency-Key is answered from the store, another body refused", async () => {
  const tenant = await server.tenant();
  const send = (csv: string): Promise<Answer> =>
    tenant.ask("POST", "/v1/suppressions", csv, {
      "content-type": "text/csv",
      "idempotency-key": "list-1",
    });
  const first = await send("+12025550116\n");
  const again = await send("+12025550116\n");
  expect(again.headers["idempotent-replayed"]).toBe("true");
  expect(again.body).toEqual(first.body);
  expect((await send("+12025550117\n")).body.error.code).toBe("idempotency_key_reused");
});

test("the list is paged newest first and filtered", async () => {
  const tenant = await server.tenant();
  const phones = ["+12025550120", "+12025550121", "+12025550122"];
  for (const phone of phones) {
    server.clock.advance(1_000);
    await tenant.ask("POST", "/v1/suppressions", { phone, reason: `Moved from ${phone}` });
  }
  server.clock.advance(1_000);
  await sendCsv(tenant.authorization, "+12025550123,Said STOP");
  const listed = async (query: string): Promise<string[]> => {
    const { body } = await tenant.ask("GET", `/v1/suppressions?${query}`);
    return body.suppressions.map((one: { phone: string }) => one.phone);
  };
  expect(await listed("limit=2")).toEqual(["+12025550123", "+12025550122"]);
  expect(await listed("limit=2&offset=2")).toEqual(["+12025550121", "+12025550120"]);
  expect(await listed("phone=%2B12025550121")).toEqual(["+12025550121"]);
  // A plus sign that nobody escaped.
  expect(await listed("phone=+12025550121")).toEqual(["+12025550121"]);
  expect(await listed("source=csv")).toEqual(["+12025550123"]);
  expect(await listed("reason=stop")).toEqual(["+12025550123"]);
  expect(await listed("reason=%25")).toEqual([]);
});

test("the operator's list is the installation's: keys feel it and do not see it", async () => {
  const tenant = await server.tenant();
  const since = at(server.clock.now());
  const phone = "+12025550130";
  const added = await server.operator("POST", "/v1/suppressions", { phone, reason: "court order" });
  const [entry] = added.body.suppressions;
  expect(entry).toMatchObject({ scope: "installation", source: "operator", reason: "court order" });
  const felt = await check(tenant, phone);
  expect(felt.body.suppressed_by).toEqual([
    { scope: "installation", since, suppression_id: null, reason: null, source: null },
  ]);
  expect(felt.text).not.toContain("court order");
  expect((await tenant.ask("GET", "/v1/suppressions")).body.count).toBe(0);
  const removed = await tenant.ask("DELETE", `/v1/suppressions/${entry.suppression_id}`);
  expect(removed.status).toBe(404);
  const own = await tenant.ask("POST", "/v1/suppressions", { phone });
  expect(own.body).toMatchObject({
    added_count: 1,
    suppressions: [{ scope: "key", reason: null }],
  });
  const scopes = (await check(tenant, phone)).body.suppressed_by;
  expect(scopes.map((one: { scope: string }) => one.scope)).toEqual(["key", "installation"]);
  const asked = await server.operator("GET", "/v1/suppressions/check?phone=%2B12025550130");
  expect(asked.body.suppressed_by).toMatchObject([
    { scope: "installation", reason: "court order", suppression_id: entry.suppression_id },
  ]);
  const ownId = own.body.suppressions[0].suppression_id;
  expect((await server.operator("DELETE", `/v1/suppressions/${ownId}`)).status).toBe(404);
  const uploaded = await sendCsv(operator, "+12025550131,register");
  expect(uploaded.body.added_count).toBe(1);
  const list = await server.operator("GET", "/v1/suppressions");
  expect(list.body.suppressions.map((one: { phone: string }) => one.phone).toSorted()).toEqual([
    phone,
    "+12025550131",
  ]);
  const gone = await server.operator("DELETE", `/v1/suppressions/${entry.suppression_id}`);
  expect(gone.status).toBe(200);
});

test("a batch reports the suppressed, and their recipients end at once", async () => {
  const tenant = await server.caller();
  await tenant.ask("POST", "/v1/suppressions", { phone: "+12025550140" });
  await server.operator("POST", "/v1/suppressions", { phone: "+12025550141" });
  const phones = ["+12025550140", "+12025550141", "+12025550142", "+12025550140"];
  const body = batchOf(tenant.agentId, phones);
  const made = await tenant.ask("POST", "/v1/calls/batch", body);
  expect(made.body).toMatchObject({ valid_count: 4, duplicate_count: 1, suppressed_count: 3 });
  const url = `/v1/calls/batch/${made.body.campaign_id}`;
  const campaign = await tenant.ask("GET", url);
  expect(campaign.body).toMatchObject({
    suppressed_count: 3,
    counts: { suppressed: 3, waiting: 1 },
  });
  const list = await tenant.ask("GET", `${url}/recipients?state=suppressed`);
  expect(list.body.recipients).toHaveLength(3);
  expect(list.body.recipients[0]).toMatchObject({
    phone: "+12025550140",
    state_reason: "the phone is on a suppression list",
    attempts: 0,
    not_dialed_because: null,
  });
  // The answer to the same body is the first one, whatever was suppressed since.
  await tenant.ask("POST", "/v1/suppressions", { phone: "+12025550142" });
  const replay = await tenant.ask("POST", "/v1/calls/batch", body);
  expect(replay.headers["idempotent-replayed"]).toBe("true");
  expect(replay.body).toEqual(made.body);
});

test("a batch of nobody but the suppressed is created and calls nobody", async () => {
  const tenant = await server.caller();
  await tenant.ask("POST", "/v1/suppressions", { phone: "+12025550143" });
  const body = batchOf(tenant.agentId, ["+12025550143"]);
  const made = await tenant.ask("POST", "/v1/calls/batch", body);
  expect([made.status, made.body.suppressed_count]).toEqual([201, 1]);
  const campaign = await tenant.ask("GET", `/v1/calls/batch/${made.body.campaign_id}`);
  expect(campaign.body).toMatchObject({ next_dial_at: null, counts: { suppressed: 1 } });
});

test("another key's suppressions do not touch a batch", async () => {
  const [one, other] = [await server.caller(), await server.caller()];
  await one.ask("POST", "/v1/suppressions", { phone: "+12025550144" });
  const made = await other.ask("POST", "/v1/calls/batch", batchOf(other.agentId, ["+12025550144"]));
  expect(made.body.suppressed_count).toBe(0);
});

test("who waits ends at once in the scope, and a removal later revives nobody", async () => {
  const [one, other] = [await server.caller(), await server.caller()];
  const phone = "+12025550145";
  const later = { schedule_type: "schedule", scheduled_date: "2030-07-01" };
  const urls: string[] = [];
  for (const tenant of [one, other]) {
    const body = batchOf(tenant.agentId, [phone, "+12025550146"], later);
    const made = await tenant.ask("POST", "/v1/calls/batch", body);
    urls.push(`/v1/calls/batch/${made.body.campaign_id}`);
  }
  const single = await one.ask("POST", "/v1/calls/outbound", {
    agent_id: one.agentId,
    to_number: phone,
    prompt: "Say hello.",
  });
  const wakes = server.wakes;
  const added = await one.ask("POST", "/v1/suppressions", { phone });
  expect(added.body.suppressed_recipients_count).toBe(2);
  expect(server.wakes).toBeGreaterThan(wakes);
  const counts = async (tenant: Tenant, index: number): Promise<object> =>
    (await tenant.ask("GET", urls[index] ?? "")).body.counts;
  expect(await counts(one, 0)).toMatchObject({ suppressed: 1, waiting: 1 });
  expect(await counts(other, 1)).toMatchObject({ suppressed: 0, waiting: 2 });
  const call = await one.ask("GET", `/v1/calls/${single.body.call_id}`);
  expect(call.body).toMatchObject({ call_status: "canceled", ended_reason: "canceled" });
  const id = added.body.suppressions[0].suppression_id;
  await one.ask("DELETE", `/v1/suppressions/${id}`);
  expect(await counts(one, 0)).toMatchObject({ suppressed: 1, waiting: 1 });
  const all = await server.operator("POST", "/v1/suppressions", { phone });
  expect(all.body.suppressed_recipients_count).toBe(1);
  expect(await counts(other, 1)).toMatchObject({ suppressed: 1, waiting: 1 });
});

test("a single call to a suppressed phone is refused, and nothing is created", async () => {
  const tenant = await server.caller();
  const call = { agent_id: tenant.agentId, to_number: "+12025550147", prompt: "Say hello." };
  await tenant.ask("POST", "/v1/suppressions", { phone: call.to_number, reason: "said stop" });
  const refused = await tenant.ask("POST", "/v1/calls/outbound", call);
  expect([refused.status, refused.body.error.code]).toEqual([409, "phone_suppressed"]);
  expect(refused.body.error.details).toEqual({ field: "to_number", scope: "key" });
  expect(refused.body.error.message).toContain("said stop");
  await server.operator("POST", "/v1/suppressions", { phone: "+12025550148", reason: "secret" });
  const byOperator = await tenant.ask("POST", "/v1/calls/outbound", {
    ...call,
    to_number: "+12025550148",
  });
  expect(byOperator.body.error.details.scope).toBe("installation");
  expect(byOperator.text).not.toContain("secret");
  const { rows } = await db.query<{ n: number }>(
    "select count(*) as n from recipients where key_id = $1",
    [tenant.keyId],
  );
  expect(rows).toEqual([{ n: 0 }]);
});
