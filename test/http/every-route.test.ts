// What must hold on every route, read from the API's own description: a route that is added
// later is tried here without anybody thinking of it.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ERROR_STATUS } from "../../src/domain/app-error.ts";
import { testDatabase } from "../support/test-database.ts";
import { nextPhone, testServer, type Answer, type Tenant } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly access: "key" | "operator" | "anyone";
  readonly responses: readonly string[];
  readonly operationId: string | undefined;
  /** Cannot be asked without saying something. */
  readonly needsQuery: boolean;
}

const description = (await server.ask({ url: "/openapi.json" })).body;
const routes: Route[] = Object.entries<Record<string, any>>(description.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as Route["method"],
      path,
      access: accessOf(operation.security),
      responses: Object.keys(operation.responses),
      operationId: operation.operationId,
      needsQuery: (operation.parameters ?? []).some(
        (one: { in?: string; required?: boolean }) => one.in === "query" && one.required === true,
      ),
    })),
);

function accessOf(security: readonly object[]): Route["access"] {
  const name = Object.keys(security[0] ?? {})[0];
  if (name === "apiKey") return "key";
  return name === "operatorToken" ? "operator" : "anyone";
}

const table = (wanted: (route: Route) => boolean): [string, Route][] =>
  routes.filter(wanted).map((route) => [`${route.method} ${route.path}`, route]);

const isList = ({ access, method, path, needsQuery }: Route): boolean =>
  access === "key" && method === "GET" && !path.includes("{") && !needsQuery;

const filled = (route: Route, values: Readonly<Record<string, string>>): string =>
  route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? "x"));

function expectEnvelope(answer: Answer): void {
  const { error } = answer.body;
  expect(ERROR_STATUS).toHaveProperty(error.code, answer.status);
  expect(error.doc_url).toBe(`https://carillon.example/docs/errors#${error.code}`);
  expect(typeof error.message).toBe("string");
  expect(typeof error.details).toBe("object");
}

// A tenant with one of everything, and one who knows all of its ids.
let owner: Tenant;
let stranger: Tenant;
let ids: Readonly<Record<string, string>>;

beforeAll(async () => {
  const caller = await server.caller();
  owner = caller;
  const webhook = { webhook_url: "https://hooks.example.com/" };
  await caller.ask("PUT", `/v1/agents/${caller.agentId}`, webhook);
  const tested = await caller.ask("POST", "/v1/webhooks/test", { agent_id: caller.agentId });
  stranger = await server.tenant();
  const batch = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: "Say hello.",
    recipients: [{ phone: nextPhone() }],
    schedule_type: "schedule",
    scheduled_date: "2030-07-01",
  });
  const call = await caller.ask("POST", "/v1/calls/outbound", {
    agent_id: caller.agentId,
    to_number: nextPhone(),
    prompt: "Say hello.",
  });
  const suppressed = await caller.ask("POST", "/v1/suppressions", { phone: nextPhone() });
  ids = {
    suppression_id: suppressed.body.suppressions[0].suppression_id,
    agent_id: caller.agentId,
    campaign_id: batch.body.campaign_id,
    row: "0",
    call_id: call.body.call_id,
    number: caller.phone,
    key_id: caller.keyId,
    delivery_id: tested.body.delivery_ids[0],
  };
});

/** A body that the route would take from the owner. */
function harmlessBody({ method, path }: Route): object {
  if (path.startsWith("/v1/integrations")) return { url: "https://example.com" };
  if (method === "PATCH" && path.includes("/batch/")) return { name: "Another name" };
  if (path.endsWith("/settle")) return { outcome: "reached" };
  return { outbound_enabled: false };
}

async function everything(): Promise<string> {
  const tables = [
    "api_keys",
    "agents",
    "phone_numbers",
    "campaigns",
    "recipients",
    "calls",
    "suppressions",
    "deliveries",
  ];
  const rows = tables.map((name) => db.query(`select * from ${name} order by id`));
  return JSON.stringify((await Promise.all(rows)).map((result) => result.rows));
}

test("the description names every operation once and says who may use it", () => {
  expect(description.openapi).toBe("3.1.0");
  expect(routes.length).toBeGreaterThan(30);
  const named = routes.map((route) => route.operationId).filter((id) => id !== undefined);
  expect(new Set(named).size).toBe(named.length);
  expect(table((route) => route.access === "anyone").map(([name]) => name)).toEqual([
    "GET /v1/health",
  ]);
});

test.each(table((route) => route.access !== "anyone"))(
  "%s refuses strangers without a key",
  async (_name, route) => {
    const answer = await server.ask({ method: route.method, url: filled(route, ids) });
    expect(answer.status).toBe(401);
    expectEnvelope(answer);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  },
);

test.each(table((route) => route.access === "operator"))(
  "%s is not for API keys",
  async (_name, route) => {
    const before = await everything();
    const answer = await owner.ask(route.method, filled(route, ids));
    expect(answer.status).toBe(403);
    expect(answer.body.error.code).toBe("permission_denied");
    expect(await everything()).toBe(before);
  },
);

test.each(table((route) => route.access === "key" && route.path.includes("{")))(
  "%s hides what belongs to another tenant",
  async (_name, route) => {
    const before = await everything();
    const sends = route.method === "GET" ? undefined : harmlessBody(route);
    const answer = await stranger.ask(route.method, filled(route, ids), sends);
    expect(answer.status, answer.text).toBe(404);
    expectEnvelope(answer);
    expect(answer.text).not.toContain(owner.keyId);
    expect(await everything()).toBe(before);
  },
);

test.each(table((route) => isList(route)))(
  "%s shows nothing of another tenant",
  async (_name, route) => {
    const answer = await stranger.ask("GET", route.path);
    expect(answer.status).toBe(200);
    for (const [name, id] of Object.entries(ids)) {
      // A row is no secret: it is a small number.
      if (name !== "row") expect(answer.text).not.toContain(id);
    }
  },
);

test.each(table((route) => route.access === "key" && !route.path.endsWith("/rotate")))(
  "%s takes an empty body that calls itself JSON",
  async (_name, route) => {
    const tenant = await server.tenant();
    const headers = { "content-type": "application/json" };
    const answer = await tenant.ask(route.method, filled(route, ids), undefined, headers);
    expect([200, 201, 400, 404], answer.text).toContain(answer.status);
    if (answer.status === 400) expect(answer.body.error.code).toBe("missing_field");
  },
);

const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    "' or 1=1 --",
    "../../etc",
    "%",
    "\u0000",
    "\ud800",
    "a".repeat(10_001),
    "+1",
    "💥",
  ),
);

test.each(table((route) => route.access !== "anyone" && !route.path.endsWith("/rotate")))(
  "%s answers hostile paths, queries and bodies with a reason",
  async (_name, route) => {
    const tenant = await server.caller();
    const authorization = tenant.authorization;
    await fc.assert(
      fc.asyncProperty(
        fc.record({ path: hostileText, query: hostileText, key: hostileText }),
        fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.dictionary(hostileText, hostileText)),
        async ({ path, query, key }, body) => {
          const segment = encodeURIComponent(path.toWellFormed());
          const value = encodeURIComponent(query.toWellFormed());
          const answer = await server.ask({
            method: route.method,
            url: `${route.path.replace(/\{\w+\}/g, segment)}?limit=${value}&status=${value}&from=${value}&openings=${value}`,
            headers: {
              authorization,
              "idempotency-key": encodeURIComponent(key.toWellFormed()).slice(0, 300),
              ...(route.method === "GET" ? {} : { "content-type": "application/json" }),
            },
            ...(route.method === "GET" ? {} : { payload: JSON.stringify(body) }),
          });
          expect(answer.status, answer.text).toBeLessThan(500);
          if (answer.status >= 400) expectEnvelope(answer);
          else if (answer.status < 300) expect(route.responses).toContain(String(answer.status));
        },
      ),
      { numRuns: 25 },
    );
  },
);
