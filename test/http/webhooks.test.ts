// Signing secret, delivery log, replay and test over the API.

import { afterAll, expect, test } from "vitest";
import { enqueueCampaignDeliveries } from "../../src/store/deliveries.ts";
import { testDatabase } from "../support/test-database.ts";
import { nextPhone, NOON, testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

async function callerWithWebhook() {
  const caller = await server.caller();
  await caller.ask("PUT", `/v1/agents/${caller.agentId}`, {
    webhook_url: "https://hooks.example.com/carillon",
  });
  return caller;
}

test("the secret is the same until it is rotated, and encrypted at rest", async () => {
  const tenant = await server.tenant();
  const first = await tenant.ask("GET", "/v1/webhooks/secret");
  expect(first.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(first.body.previous_secret_valid_until).toBeNull();
  expect((await tenant.ask("GET", "/v1/webhooks/secret")).body).toEqual(first.body);
  const rotated = await tenant.ask("POST", "/v1/webhooks/secret/rotate", undefined, {
    "idempotency-key": "ignored",
  });
  expect(rotated.body.secret).not.toBe(first.body.secret);
  expect(rotated.body.previous_secret_valid_until).toBe("2030-06-13T11:00:00.000Z");
  expect((await tenant.ask("GET", "/v1/webhooks/secret")).body).toEqual(rotated.body);
  const { rows } = await db.query("select to_jsonb(k)::text as row from api_keys k");
  expect(JSON.stringify(rows)).not.toContain(rotated.body.secret.slice(6));
  const other = await server.tenant();
  expect((await other.ask("GET", "/v1/webhooks/secret")).body.secret).not.toBe(rotated.body.secret);
});

test("a campaign that starts at once is in the log, to be filtered, got and replayed", async () => {
  const caller = await callerWithWebhook();
  const batch = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: "Say hello.",
    recipients: [{ phone: nextPhone() }],
  });
  const campaignId = batch.body.campaign_id;
  const list = await caller.ask("GET", `/v1/webhooks/deliveries?campaign_id=${campaignId}`);
  expect(list.body).toMatchObject({
    count: 1,
    deliveries: [
      { event: "campaign.started", slot: "agent", state: "pending", attempts: 0, url: null },
    ],
  });
  const [delivery] = list.body.deliveries;
  const path = `/v1/webhooks/deliveries/${delivery.delivery_id}`;
  expect((await caller.ask("GET", path)).body).toEqual(delivery);
  for (const query of ["state=failed", "event=call.started", "call_id=x", "offset=1"]) {
    const none = await caller.ask("GET", `/v1/webhooks/deliveries?${query}`);
    expect(none.body.count, query).toBe(0);
  }
  await db.query(
    "update deliveries set state = 'failed', attempts = 5, due_at = null, settled_at = created_at",
  );
  const wakes = server.wakes;
  const replayed = await caller.ask("POST", `${path}/replay`);
  expect(replayed.body).toMatchObject({ state: "pending", attempts: 0, settled_at: null });
  expect(server.wakes).toBeGreaterThan(wakes);
});

test("a time is replayed: what failed in it, of one event, of this key", async () => {
  const caller = await callerWithWebhook();
  const stranger = await callerWithWebhook();
  const ids = await Promise.all(
    [caller, stranger].map(async (tenant) => {
      const batch = await tenant.ask("POST", "/v1/calls/batch", {
        agent_id: tenant.agentId,
        prompt: "Say hello.",
        recipients: [{ phone: nextPhone() }],
      });
      return batch.body.campaign_id as string;
    }),
  );
  await enqueueCampaignDeliveries(db, "campaign.completed", ids, NOON + 60_000);
  await db.query("update deliveries set state = 'failed', due_at = null, settled_at = created_at");
  const replay = (body: object) =>
    caller.ask("POST", "/v1/webhooks/deliveries/replay", body).then((answer) => answer.body);
  expect(await replay({ since: "2030-06-12T11:01:00.001Z" })).toEqual({ replayed: 0 });
  expect(await replay({ since: "2030-06-12T11:00:00Z", state: "delivered" })).toEqual({
    replayed: 0,
  });
  expect(await replay({ since: "2030-06-12T12:00:30+01:00", event: "campaign.completed" })).toEqual(
    {
      replayed: 1,
    },
  );
  const until = "2030-06-12T11:00:30Z";
  expect(await replay({ since: "2030-06-12T11:00:00Z", until })).toEqual({ replayed: 1 });
  const rest = await stranger.ask("GET", "/v1/webhooks/deliveries?state=failed");
  expect(rest.body.count).toBe(2);
  expect((await replay({})).error).toMatchObject({ code: "missing_field" });
  expect((await replay({ since: "yesterday" })).error).toMatchObject({ code: "invalid_request" });
});

test("a test goes to every address named, and says so when there is none", async () => {
  const caller = await callerWithWebhook();
  const number = encodeURIComponent(caller.phone);
  await caller.ask("PUT", `/v1/integrations/webhook/number/${number}`, {
    url: "https://hooks.example.com/1",
  });
  await caller.ask("PUT", `/v1/integrations/webhook2/number/${number}`, {
    url: "https://hooks.example.com/2",
  });
  const test = (body: object) => caller.ask("POST", "/v1/webhooks/test", body);
  const all = await test({ agent_id: caller.agentId, phone_number: caller.phone });
  expect(all.status).toBe(201);
  expect(all.body.delivery_ids).toHaveLength(3);
  expect((await test({ phone_number: caller.phone })).body.delivery_ids).toHaveLength(2);
  expect((await test({ agent_id: caller.agentId })).body.delivery_ids).toHaveLength(1);
  expect((await test({})).body.error.code).toBe("missing_field");
  const stranger = await server.caller();
  const theirs = await stranger.ask("POST", "/v1/webhooks/test", { agent_id: caller.agentId });
  expect(theirs.body.error.code).toBe("webhook_not_set");
});
