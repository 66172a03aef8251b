// Another tenant's ids are as good as ids of nothing: every route answers 404 (or an empty list),
// and nothing changes.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const owner = await server.caller();
const intruder = await server.caller();
afterAll(() => server.app.close());

const campaign = await owner.ask("POST", "/v1/calls/batch", {
  agent_id: owner.agentId,
  prompt: "Remind them.",
  recipients: [{ phone: "+12025550101" }],
  schedule_type: "schedule",
  scheduled_date: "2030-07-01",
});
const call = await owner.ask("POST", "/v1/calls/outbound", {
  agent_id: owner.agentId,
  to_number: "+12025550102",
  prompt: "Hello",
});
const erased = await owner.ask("POST", "/v1/erasures", { phone: "+12025550109" });
const erasure = `/v1/erasures/${erased.body.erasure_id}`;
const suppressed = await owner.ask("POST", "/v1/suppressions", { phone: "+12025550109" });
const suppressionId: string = suppressed.body.suppressions[0].suppression_id;
await owner.ask("PUT", `/v1/agents/${owner.agentId}`, {
  webhook_url: "https://hooks.example.com/",
});
const tested = await owner.ask("POST", "/v1/webhooks/test", { agent_id: owner.agentId });
const delivery = `/v1/webhooks/deliveries/${tested.body.delivery_ids[0]}`;
const number = encodeURIComponent(owner.phone);
const batch = `/v1/calls/batch/${campaign.body.campaign_id}`;

type Route = readonly [
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  url: string,
  code: string,
  body?: object,
];

const ROUTES: readonly Route[] = [
  ["GET", `/v1/agents/${owner.agentId}`, "agent_not_found"],
  ["PUT", `/v1/agents/${owner.agentId}`, "agent_not_found", { name: "stolen" }],
  ["DELETE", `/v1/agents/${owner.agentId}`, "agent_not_found"],
  ["PATCH", `/v1/phone-numbers/${number}`, "number_not_found", { outbound_enabled: false }],
  ["DELETE", `/v1/phone-numbers/${number}`, "number_not_found"],
  [
    "PUT",
    `/v1/integrations/webhook/number/${number}`,
    "number_not_found",
    { url: "https://evil.example" },
  ],
  ["GET", `/v1/integrations/webhook/number/${number}`, "number_not_found"],
  ["DELETE", `/v1/integrations/webhook/number/${number}`, "number_not_found"],
  [
    "PUT",
    `/v1/integrations/webhook2/number/${number}`,
    "number_not_found",
    { url: "https://evil.example" },
  ],
  ["GET", `/v1/integrations/webhook2/number/${number}`, "number_not_found"],
  ["DELETE", `/v1/integrations/webhook2/number/${number}`, "number_not_found"],
  ["GET", batch, "campaign_not_found"],
  ["PATCH", batch, "campaign_not_found", { name: "stolen" }],
  ["GET", `${batch}/recipients`, "campaign_not_found"],
  ["GET", `${batch}/recipients/0`, "campaign_not_found"],
  [
    "POST",
    `${batch}/recipients`,
    "campaign_not_found",
    { recipients: [{ phone: "+12025550103" }] },
  ],
  ["POST", `${batch}/launch`, "campaign_not_found"],
  ["POST", `${batch}/pause`, "campaign_not_found"],
  ["POST", `${batch}/resume`, "campaign_not_found"],
  ["POST", `${batch}/cancel`, "campaign_not_found", { hang_up: true }],
  ["DELETE", `/v1/suppressions/${suppressionId}`, "suppression_not_found"],
  ["GET", `/v1/calls/${call.body.call_id}`, "call_not_found"],
  ["DELETE", `/v1/calls/${call.body.call_id}`, "call_not_found"],
  ["GET", `/v1/calls/${call.body.call_id}/recording`, "call_not_found"],
  ["POST", `/v1/calls/${call.body.call_id}/analyze`, "call_not_found"],
  ["GET", `/v1/calls/${call.body.call_id}/evidence`, "call_not_found"],
  ["POST", `/v1/calls/${call.body.call_id}/settle`, "call_not_found", { outcome: "not_called" }],
  ["POST", `${batch}/analyze`, "campaign_not_found"],
  ["GET", `${batch}/export`, "campaign_not_found"],
  ["GET", delivery, "delivery_not_found"],
  ["GET", erasure, "not_found"],
  ["POST", `${delivery}/replay`, "delivery_not_found"],
  [
    "POST",
    "/v1/calls/outbound",
    "agent_not_found",
    { agent_id: owner.agentId, to_number: "+12025550103", prompt: "x" },
  ],
  [
    "POST",
    "/v1/calls/batch",
    "agent_not_found",
    { agent_id: owner.agentId, prompt: "x", recipients: [{ phone: "+12025550103" }] },
  ],
  [
    "POST",
    "/v1/calls/batch/preview",
    "agent_not_found",
    { agent_id: owner.agentId, prompt: "x", recipients: [{ phone: "+12025550103" }] },
  ],
  [
    "POST",
    "/v1/calls/outbound",
    "campaign_not_found",
    {
      agent_id: intruder.agentId,
      to_number: "+12025550103",
      prompt: "x",
      campaign_id: campaign.body.campaign_id,
    },
  ],
];

/** Everything the owner has, as the owner sees it. */
async function ownersView(): Promise<string> {
  const urls = [
    "/v1/agents",
    "/v1/phone-numbers",
    batch,
    `${batch}/recipients`,
    "/v1/calls",
    "/v1/suppressions",
    `/v1/integrations/webhook/number/${number}`,
    "/v1/webhooks/deliveries",
  ];
  const answers = await Promise.all(urls.map((url) => owner.ask("GET", url)));
  return answers.map((answer) => `${answer.status} ${answer.text}`).join("\n");
}

const asked = ROUTES.map(([method, url, code, body]) => ({ method, url, code, body }));

test.each(asked)("$method $url is $code to another key", async ({ method, url, code, body }) => {
  const before = await ownersView();
  const answer = await intruder.ask(method, url, body);
  expect([answer.status, answer.body.error.code]).toEqual([404, code]);
  expect(await ownersView()).toBe(before);
});

test("lists of one key hold nothing of another", async () => {
  for (const url of [
    "/v1/calls",
    "/v1/calls/batch",
    "/v1/campaigns",
    `/v1/calls?campaign_id=${campaign.body.campaign_id}`,
  ]) {
    const answer = await intruder.ask("GET", url);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain(owner.agentId);
  }
  const numbers = await intruder.ask("GET", `/v1/phone-numbers?agent_id=${owner.agentId}`);
  expect(numbers.body).toEqual({ phone_numbers: [], count: 0 });
  const suppressions = await intruder.ask("GET", "/v1/suppressions");
  expect(suppressions.body).toEqual({ suppressions: [], count: 0 });
  const check = await intruder.ask("GET", "/v1/suppressions/check?phone=%2B12025550109");
  expect(check.body).toMatchObject({ suppressed: false, suppressed_by: [] });
  expect((await intruder.ask("DELETE", "/v1/calls")).body).toMatchObject({
    calls_deleted: 0,
    calls_skipped: 0,
  });
});

test("every route that takes an id is in the list above", () => {
  const { paths } = JSON.parse(JSON.stringify(server.app.swagger())) as {
    paths: Record<string, Record<string, { security: object[] }>>;
  };
  const known = ROUTES.map(
    ([method, url]) =>
      `${method} ${url.replace(/\/((agent_|batchcall_|call_|erasure_|msg_|sup_|%2B)[^/?]+|\d+$)/g, "/:id")}`,
  );
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const isTenants = JSON.stringify(route.security).includes("apiKey");
      if (!isTenants || !path.includes("{")) continue;
      expect(known).toContain(`${method.toUpperCase()} ${path.replace(/\{[^}]+\}/g, ":id")}`);
    }
  }
});
