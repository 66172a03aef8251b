// The description of the API is complete, leads nowhere wrong and needs no internet.

import type { FastifyPluginAsync } from "fastify";
import { afterAll, expect, test } from "vitest";
import { ERROR_STATUS } from "../../src/domain/app-error.ts";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const description = await server.ask({ url: "/openapi.json" });
afterAll(() => server.app.close());

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly responses: Record<string, unknown>;
}

const operations: readonly (readonly [string, Operation])[] = Object.entries(
  description.body.paths as Record<string, Record<string, Operation>>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
  ),
);

test("describes itself in OpenAPI 3.1", () => {
  expect(description.status).toBe(200);
  expect(description.body.openapi).toBe("3.1.0");
  expect(Object.keys(description.body.components.securitySchemes)).toEqual([
    "apiKey",
    "operatorToken",
  ]);
});

test("every route is described, once", () => {
  expect(operations.map(([name]) => name).toSorted()).toMatchInlineSnapshot(`
    [
      "DELETE /v1/agents/{agent_id}",
      "DELETE /v1/calls",
      "DELETE /v1/calls/{call_id}",
      "DELETE /v1/integrations/webhook/number/{number}",
      "DELETE /v1/integrations/webhook2/number/{number}",
      "DELETE /v1/keys/{key_id}",
      "DELETE /v1/phone-numbers/{number}",
      "DELETE /v1/suppressions/{suppression_id}",
      "GET /v1/agents",
      "GET /v1/agents/{agent_id}",
      "GET /v1/calls",
      "GET /v1/calls/batch",
      "GET /v1/calls/batch/{campaign_id}",
      "GET /v1/calls/batch/{campaign_id}/export",
      "GET /v1/calls/batch/{campaign_id}/recipients",
      "GET /v1/calls/batch/{campaign_id}/recipients/{row}",
      "GET /v1/calls/uncertain",
      "GET /v1/calls/{call_id}",
      "GET /v1/calls/{call_id}/evidence",
      "GET /v1/calls/{call_id}/recording",
      "GET /v1/campaigns",
      "GET /v1/erasures",
      "GET /v1/erasures/{erasure_id}",
      "GET /v1/export",
      "GET /v1/health",
      "GET /v1/integrations/webhook/number/{number}",
      "GET /v1/integrations/webhook2/number/{number}",
      "GET /v1/keys",
      "GET /v1/operator/status",
      "GET /v1/phone-numbers",
      "GET /v1/suppressions",
      "GET /v1/suppressions/check",
      "GET /v1/usage",
      "GET /v1/webhooks/deliveries",
      "GET /v1/webhooks/deliveries/{delivery_id}",
      "GET /v1/webhooks/secret",
      "PATCH /v1/calls/batch/{campaign_id}",
      "PATCH /v1/keys/{key_id}",
      "PATCH /v1/phone-numbers/{number}",
      "POST /v1/agents",
      "POST /v1/calls/batch",
      "POST /v1/calls/batch/preview",
      "POST /v1/calls/batch/{campaign_id}/analyze",
      "POST /v1/calls/batch/{campaign_id}/cancel",
      "POST /v1/calls/batch/{campaign_id}/launch",
      "POST /v1/calls/batch/{campaign_id}/pause",
      "POST /v1/calls/batch/{campaign_id}/recipients",
      "POST /v1/calls/batch/{campaign_id}/resume",
      "POST /v1/calls/outbound",
      "POST /v1/calls/{call_id}/analyze",
      "POST /v1/calls/{call_id}/settle",
      "POST /v1/erasures",
      "POST /v1/keys",
      "POST /v1/keys/rotate",
      "POST /v1/operator/resume",
      "POST /v1/operator/stop",
      "POST /v1/phone-numbers",
      "POST /v1/suppressions",
      "POST /v1/webhooks/deliveries/replay",
      "POST /v1/webhooks/deliveries/{delivery_id}/replay",
      "POST /v1/webhooks/secret/rotate",
      "POST /v1/webhooks/test",
      "PUT /v1/agents/{agent_id}",
      "PUT /v1/integrations/webhook/number/{number}",
      "PUT /v1/integrations/webhook2/number/{number}",
    ]
  `);
  const ids = operations.map(([, operation]) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(operations)("%s has a summary, a tag, its access and its errors", (_name, operation) => {
  expect(operation.summary).toBeTruthy();
  expect(operation.tags).toHaveLength(1);
  expect(operation.security).toBeDefined();
  const statuses = Object.keys(operation.responses);
  if (operation.security.length > 0)
    expect(statuses).toEqual(expect.arrayContaining(["401", "429", "500"]));
});

test("every reference leads somewhere", () => {
  const names = [...description.text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
    (match) => match[1],
  );
  expect(names.length).toBeGreaterThan(20);
  for (const name of names)
    expect(description.body.components.schemas).toHaveProperty([name ?? ""]);
});

test("says what a status means, which bodies may be left out, and where an Idempotency-Key counts", () => {
  const { paths } = description.body;
  expect(paths["/v1/calls/batch"].post.responses["201"].description).toBe("Created.");
  expect(paths["/v1/calls/batch"].post.requestBody.required).toBe(true);
  expect(paths["/v1/agents"].post.requestBody.required).toBe(false);
  const key = { $ref: "#/components/parameters/IdempotencyKey" };
  expect(paths["/v1/calls/batch"].post.parameters).toEqual([key]);
  expect(paths["/v1/calls/{call_id}"].delete.parameters).toContainEqual(key);
  expect(paths["/v1/calls"].get.parameters).not.toContainEqual(key);
  expect(description.text).not.toContain("Default Response");
});

test("describes every form of a list and of a file, each by its own type", () => {
  const { paths } = description.body;
  const appended = paths["/v1/calls/batch/{campaign_id}/recipients"].post.requestBody.content;
  expect(appended).toEqual({
    "application/json": { schema: { $ref: "#/components/schemas/AppendRecipientsInput" } },
    "application/x-ndjson": { schema: { type: "string" } },
    "text/csv": { schema: { type: "string" } },
  });
  const suppressed = paths["/v1/suppressions"].post.requestBody.content["application/json"];
  expect(suppressed.schema.$ref).toBe("#/components/schemas/AddSuppressionsInput");
  const exported = paths["/v1/calls/batch/{campaign_id}/export"].get.responses;
  expect(Object.keys(exported["200"].content)).toEqual(["text/csv", "application/x-ndjson"]);
  expect(Object.keys(exported["404"].content)).toEqual(["application/json"]);
});

test.each(operations)("%s describes what is answered before its handler", (name, operation) => {
  const statuses = Object.keys(operation.responses);
  expect(statuses).toEqual(expect.arrayContaining(["400", "503"]));
  if (!name.startsWith("GET")) expect(statuses).toEqual(expect.arrayContaining(["413", "415"]));
});

test("the error page explains every code, and every doc_url leads to it", async () => {
  const page = await server.ask({ url: "/docs/errors" });
  expect(page.status).toBe(200);
  for (const code of Object.keys(ERROR_STATUS)) expect(page.text).toContain(`id="${code}"`);
});

test("the documentation is served from here alone", async () => {
  const page = await server.ask({ url: "/docs/" });
  expect(page.status).toBe(200);
  expect(page.headers["content-security-policy"]).toContain("default-src 'self'");
  const linked = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(linked.length).toBeGreaterThan(3);
  for (const link of linked) {
    expect(link).not.toMatch(/^(https?:)?\/\//);
    expect(
      (await server.ask({ url: new URL(link, "http://here/docs/").pathname })).status,
      link,
    ).toBe(200);
  }
});

test("a route under /v1 that does not say who may use it keeps the server from starting", async () => {
  const extension: FastifyPluginAsync = async (app) => {
    await Promise.resolve();
    app.get("/v1/open-to-all", () => "secrets");
  };
  await expect(testServer(db, {}, [extension])).rejects.toThrow("does not say who may use it");
});
