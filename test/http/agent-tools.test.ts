// An agent's own tools over the API: what is refused, and that a header's value never comes back.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const tenant = await server.tenant();
afterAll(() => server.app.close());

const TOOL = {
  name: "find_slot",
  description: "Finds a free slot.",
  parameters: { type: "object", properties: { day: { type: "string" } }, required: ["day"] },
  url: "https://clinic.example/slots",
};
const SECRET = "Bearer s3cret-of-the-clinic";

const create = (tool: object) =>
  tenant.ask("POST", "/v1/agents", { tools: [{ ...TOOL, ...tool }] });

async function rowOf(agentId: string) {
  const { rows } = await db.query<{ settings: object; box: Uint8Array | null }>(
    "select settings, tool_headers_encrypted as box from agents where id = $1",
    [agentId],
  );
  return rows[0];
}

test("a tool is kept with its defaults, and its headers only by name", async () => {
  const made = await create({ headers: { Authorization: SECRET } });
  expect(made.status).toBe(201);
  expect(made.body.tools).toEqual([
    { ...TOOL, timeout_seconds: 8, filler: null, header_names: ["Authorization"] },
  ]);
  expect(made.text).not.toContain("s3cret");
  const row = await rowOf(made.body.agent_id);
  expect(JSON.stringify(row?.settings)).not.toContain("s3cret");
  expect(Buffer.from(row?.box ?? []).toString("latin1")).not.toContain("s3cret");
  const listed = await tenant.ask("GET", "/v1/agents");
  expect(listed.text).not.toContain("s3cret");
});

test("headers stay while the tool goes to the same origin, and never follow it to another", async () => {
  const made = await create({ headers: { "X-Key": SECRET } });
  const path = `/v1/agents/${made.body.agent_id}`;
  const put = (tools: readonly object[]) => tenant.ask("PUT", path, { tools });
  const moved = await put([{ ...TOOL, url: "https://clinic.example/other" }]);
  expect(moved.body.tools[0].header_names).toEqual(["X-Key"]);
  const stolen = await put([{ ...TOOL, url: "https://thief.example/slots" }]);
  expect(stolen.status).toBe(400);
  expect(stolen.body.error).toMatchObject({
    code: "invalid_request",
    details: { field: "tools[0].headers" },
  });
  const cleared = await put([{ ...TOOL, headers: {} }]);
  expect(cleared.body.tools[0].header_names).toEqual([]);
  expect((await rowOf(made.body.agent_id))?.box).toBeNull();
  expect((await tenant.ask("PUT", path, { name: "Ann" })).body.tools.length).toBe(1);
  expect((await put([])).body.tools).toEqual([]);
});

test.each([
  ["tools[0].name", { name: "end_call" }, /tool that the engine has/],
  ["tools[0].name", { name: "Record_Opt_Out" }, /tool that the engine has/],
  ["tools[0].name", { name: "find slot" }, /letters, digits/],
  ["tools[0].url", { url: "http://clinic.example/slots" }, /https/],
  ["tools[0].url", { url: "https://user:word@clinic.example/" }, /user name/],
  ["tools[0].timeout_seconds", { timeout_seconds: 60 }, /at most 20/],
  ["tools[0].headers", { headers: { Host: "x" } }, /must not hold Host/],
  ["tools[0].headers", { headers: { "webhook-id": "x" } }, /must not hold webhook-id/],
  ["tools[0].headers", { headers: { "a b": "x" } }, /no header may have/],
  ["tools[0].headers", { headers: { a: "x\r\ny: z" } }, /plain characters/],
  ["tools[0].headers", { headers: { a: "x", A: "y" } }, /twice/],
  ["tools[0].parameters", { parameters: { type: "array" } }, /type "object"/],
  [
    "tools[0].parameters",
    { parameters: { type: "object", properties: { a: { type: "string", pattern: "(a+)+$" } } } },
    /holds pattern at a/,
  ],
  [
    "tools[0].parameters",
    { parameters: { type: "object", properties: { a: { $ref: "#" } } } },
    /one of the types/,
  ],
  ["tools[0].parameters", { parameters: { type: "object", required: ["b"] } }, /requires/],
  [
    "tools[0].parameters",
    { parameters: { type: "object", description: "x".repeat(5_000) } },
    /longer than 4000/,
  ],
  ["tools[0].parameters", { parameters: nested(6) }, /levels deep/],
])("%s is refused with its reason (%j)", async (field, change, reason) => {
  const answer = await create(change);
  expect(answer.status).toBe(400);
  expect(answer.body.error.details.field).toBe(field);
  expect(answer.body.error.message).toMatch(reason);
});

test("names are used once, and there are at most ten tools", async () => {
  const twice = await tenant.ask("POST", "/v1/agents", { tools: [TOOL, TOOL] });
  expect(twice.body.error.details.field).toBe("tools[1].name");
  const many = Array.from({ length: 11 }, (_, index) => ({ ...TOOL, name: `tool_${index}` }));
  expect((await tenant.ask("POST", "/v1/agents", { tools: many })).status).toBe(400);
  const ten = await tenant.ask("POST", "/v1/agents", { tools: many.slice(0, 10) });
  expect(ten.status).toBe(201);
});

function nested(levels: number): object {
  if (levels === 1) return { type: "object" };
  return { type: "object", properties: { inner: nested(levels - 1) } };
}
