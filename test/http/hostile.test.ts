// A page of requests that nobody sends by accident. Each gets a 4xx that says what is wrong, and
// nothing changes.

import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
let port = 0;
beforeAll(async () => {
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  const address = server.app.server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(() => server.app.close());

async function everything(): Promise<string> {
  const { rows } = await db.query(
    `select (select jsonb_agg(a) from agents a) as a, (select jsonb_agg(n) from phone_numbers n) as n,
       (select jsonb_agg(c) from campaigns c) as c, (select count(*) from recipients) as r,
       (select count(*) from calls) as k, (select jsonb_agg(s) from slots s) as s,
       (select jsonb_agg(p) from suppressions p) as p`,
  );
  return JSON.stringify(rows);
}

const HOSTILE_TEXTS = [
  "'; drop table campaigns; --",
  "x".repeat(10_001),
  "\u0000",
  "../../../etc/passwd",
  "%00",
  "{{7*7}}",
  "\u202e\ufeff",
  "null",
];
const IDS = [...HOSTILE_TEXTS, "undefined", "__proto__", "constructor", "0", "-1", "1e309", "💥"];

const PATHS = [
  ["GET", (id: string) => `/v1/agents/${id}`],
  ["PUT", (id: string) => `/v1/agents/${id}`],
  ["DELETE", (id: string) => `/v1/agents/${id}`],
  ["PATCH", (id: string) => `/v1/phone-numbers/${id}`],
  ["DELETE", (id: string) => `/v1/phone-numbers/${id}`],
  ["GET", (id: string) => `/v1/integrations/webhook/number/${id}`],
  ["GET", (id: string) => `/v1/calls/${id}`],
  ["DELETE", (id: string) => `/v1/calls/${id}`],
  ["POST", (id: string) => `/v1/calls/${id}/analyze`],
  ["POST", (id: string) => `/v1/calls/batch/${id}/analyze`],
  ["GET", (id: string) => `/v1/calls/batch/${id}/export`],
  ["GET", (id: string) => `/v1/webhooks/deliveries/${id}`],
  ["POST", (id: string) => `/v1/webhooks/deliveries/${id}/replay`],
  ["GET", (id: string) => `/v1/calls/batch/${id}`],
  ["GET", (id: string) => `/v1/calls/batch/${id}/recipients`],
  ["GET", (id: string) => `/v1/calls/batch/${id}/recipients/0`],
  ["GET", (id: string) => `/v1/calls/batch/batchcall_0/recipients/${id}`],
  ["POST", (id: string) => `/v1/calls/batch/${id}/recipients`],
  ["POST", (id: string) => `/v1/calls/batch/${id}/launch`],
  ["POST", (id: string) => `/v1/calls/batch/${id}/cancel`],
  ["DELETE", (id: string) => `/v1/suppressions/${id}`],
  ["GET", (id: string) => `/v1/suppressions/check?phone=${id}`],
] as const;

test.each(PATHS)("%s with hostile ids is refused", async (method, url) => {
  const before = await everything();
  for (const id of IDS) {
    const answer = await caller.ask(method, url(encodeURIComponent(id)));
    expect(answer.status, id.slice(0, 20)).toBeGreaterThanOrEqual(400);
    expect(answer.status, id.slice(0, 20)).toBeLessThan(500);
    expect(answer.body.error.message.length).toBeLessThan(1_000);
  }
  expect(await everything()).toBe(before);
});

test("hostile ids of keys are refused, and the operator's routes too", async () => {
  for (const id of IDS) {
    const answer = await server.operator("PATCH", `/v1/keys/${encodeURIComponent(id)}`, {
      name: "x",
    });
    expect([400, 404]).toContain(answer.status);
  }
});

const BODIES: readonly (readonly [string, string | Buffer])[] = [
  ["nothing but a bracket", "["],
  ["a number", "1"],
  ["true", "true"],
  ["a string", '"x"'],
  ["a list", "[1,2]"],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
  ["UTF-16", Buffer.from("{}", "utf16le")],
  ["a hundred thousand brackets", "[".repeat(100_000) + "]".repeat(100_000)],
  ["deep objects", '{"a":'.repeat(50_000) + "1" + "}".repeat(50_000)],
  ["a trailing comma", '{"agent_id":"a",}'],
  ["single quotes", "{'agent_id':'a'}"],
  ["NaN", '{"temperature":NaN}'],
  [
    "half a surrogate",
    '{"name":"\\udfff","prompt":"\\udfff","agent_id":"\\udfff","url":"\\udfff","reason":"\\udfff"}',
  ],
  [
    "numbers for everything",
    '{"agent_id":1,"prompt":1,"name":1,"recipients":1,"to_number":1,"phone_number":1,"twilio_sid":1,"twilio_token":1,"url":1,"custom_prompt":1}',
  ],
  [
    "objects for everything",
    '{"agent_id":{},"prompt":{},"name":{},"recipients":{},"to_number":{},"phone_number":{},"twilio_sid":{},"twilio_token":{},"url":{},"custom_prompt":{}}',
  ],
];

const WRITES = [
  ["POST", () => "/v1/agents"],
  ["PUT", () => `/v1/agents/${caller.agentId}`],
  ["POST", () => "/v1/phone-numbers"],
  ["PATCH", () => `/v1/phone-numbers/${encodeURIComponent(caller.phone)}`],
  ["PUT", () => `/v1/integrations/webhook/number/${encodeURIComponent(caller.phone)}`],
  ["POST", () => "/v1/calls/batch"],
  ["POST", () => "/v1/calls/batch/preview"],
  ["POST", () => "/v1/calls/outbound"],
  ["POST", () => "/v1/suppressions"],
  ["POST", () => "/v1/webhooks/deliveries/replay"],
  ["POST", () => "/v1/webhooks/test"],
] as const;

test.each(WRITES)("%s %s refuses hostile bodies", async (method, url) => {
  const before = await everything();
  for (const [name, body] of BODIES) {
    const answer = await caller.ask(method, url(), body);
    expect(answer.status, name).toBeGreaterThanOrEqual(400);
    expect(answer.status, name).toBeLessThan(500);
    expect(answer.body.error.code, name).toMatch(/^(invalid_|missing_field)/);
  }
  expect(await everything()).toBe(before);
});

test("texts of SQL and markup in names are kept as they are", async () => {
  for (const name of ["'; drop table agents; --", "<script>alert(1)</script>", "\\N\t{{7*7}}"]) {
    const made = await caller.ask("POST", "/v1/agents", { name });
    expect(made.body.name).toBe(name);
  }
});

test("an empty body with a JSON type is accepted where nothing is needed", async () => {
  const campaign = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: "x",
    recipients: [{ phone: "+12025550101" }],
  });
  const id = campaign.body.campaign_id;
  for (const [method, url] of [
    ["GET", "/v1/calls"],
    ["GET", `/v1/calls/batch/${id}`],
    ["POST", `/v1/calls/batch/${id}/launch`],
    ["POST", `/v1/calls/batch/${id}/pause`],
    ["POST", `/v1/calls/batch/${id}/resume`],
    ["POST", `/v1/calls/batch/${id}/cancel`],
    ["DELETE", "/v1/calls"],
    ["POST", "/v1/agents"],
    ["POST", "/v1/keys/rotate"],
  ] as const) {
    const answer = await server.ask({
      method,
      url,
      headers: { authorization: caller.authorization, "content-type": "application/json" },
      payload: "",
    });
    expect(answer.status, `${method} ${url} ${answer.text}`).toBeLessThan(300);
  }
});

/** What the server answers to bytes that no client library would send. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ host: "127.0.0.1", port }, () => {
      socket.write(bytes);
    });
    socket.setEncoding("utf8");
    socket.on("data", (text) => (answer += String(text)));
    socket.on("error", reject);
    socket.on("close", () => {
      resolve(answer);
    });
  });
}

test.each([
  ["no HTTP at all", "hello\r\n\r\n", "400"],
  ["headers without end", `GET / HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(40_000)}\r\n\r\n`, "431"],
  [
    "two lengths",
    "POST /v1/agents HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    "400",
  ],
])("%s is answered in the envelope on the bare socket", async (_name, bytes, status) => {
  const answer = await raw(bytes);
  expect(answer.split("\r\n", 1)[0]).toContain(status);
  const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
  expect(body.error).toMatchObject({ type: "invalid_request", code: "invalid_request" });
});

// Years that ISO 8601 writes and the database does not read.
test.each(["0000-01-01T00:00:00Z", "0016-02-29T20:00:00Z", "9999-12-31T23:59:59-23:00"])(
  "the instant %s is refused by the name of its field",
  async (instant) => {
    const asker = await server.caller();
    const batch = {
      agent_id: asker.agentId,
      prompt: "x",
      recipients: [{ phone: "+12025550101" }],
      expires_at: instant,
    };
    const answers = {
      since: await asker.ask("POST", "/v1/webhooks/deliveries/replay", { since: instant }),
      until: await asker.ask("POST", "/v1/webhooks/deliveries/replay", {
        since: "2030-01-01T00:00:00Z",
        until: instant,
      }),
      expires_at: await asker.ask("POST", "/v1/calls/batch", batch),
      from: await asker.ask("POST", `/v1/calls/batch/preview?from=${instant}`, {
        ...batch,
        expires_at: null,
      }),
    };
    for (const [field, answer] of Object.entries(answers)) {
      expect([answer.status, answer.body.error.details.field], answer.text).toEqual([400, field]);
    }
  },
);

test("a name of a hundred thousand characters is not repeated in the error about it", async () => {
  const asker = await server.caller();
  const answer = await asker.ask("POST", "/v1/calls/outbound", {
    agent_id: asker.agentId,
    to_number: "+12025550101",
    prompt: "x",
    dynamic_vars: { ["n".repeat(100_000)]: "Ada" },
  });
  expect(answer.status).toBe(400);
  expect(answer.body.error.details.field).toMatch(/^dynamic_vars\.n+…$/);
  expect(answer.text.length).toBeLessThan(1_000);
});

test("after all that the server still works", async () => {
  expect((await server.ask({ url: "/v1/health" })).status).toBe(200);
});
