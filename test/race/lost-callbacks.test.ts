// Every callback of a wave of calls is lost: each call is closed by asking the carrier, its slot is
// free again, and its outcome is what the carrier says.

import { expect, onTestFinished, test } from "vitest";
import type { Call } from "../../src/http/contract/call.ts";
import {
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startServerOn } from "../support/race-set-up.ts";
import { createTestDatabase } from "../support/test-database.ts";

const RECIPIENTS = 12;
/** Everything before them may also be heard from a conversation's socket. */
const ENDS = ["completed", "busy", "no_answer", "failed", "canceled"];

test("calls whose callbacks were all lost are closed by asking", async () => {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const simulator = await startCarrier(40);
  const server = await startServerOn(simulator, db);
  const tenant = await makeTenant(server, { concurrentCalls: RECIPIENTS, callsPerSecond: 20 });
  const phones = testPhones(RECIPIENTS + 1);
  // The first callback proves the account: then more than one call may be open.
  const proof = await createCampaign(server, tenant, phones.slice(0, 1));
  await waitUntilCompleted(server, tenant, proof);
  const faults = { callbacks: { lost: { probability: 1 } }, list: { foreign: { probability: 0 } } };
  const set = await fetch(`${simulator.url}/simulator/faults`, {
    method: "PUT",
    body: JSON.stringify(faults),
    headers: { "content-type": "application/json" },
  });
  expect(set.status).toBe(200);

  const campaignId = await createCampaign(server, tenant, phones.slice(1));
  const campaign = await waitUntilCompleted(server, tenant, campaignId);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  const path = `/v1/calls?campaign_id=${campaignId}&limit=200`;
  const calls = await server.ask<Call[]>("GET", path, undefined, tenant.bearer);
  const { rows } = await db.query<{ callbacks: number; look_ups: number }>(
    `select count(*) filter (where facts->>'source' = 'callback')::int as callbacks,
       count(distinct call_id) filter (where facts->>'source' = 'look_up')::int as look_ups
     from call_events where call_id = any($1) and facts->>'status' = any($2)`,
    [calls.body.map((call) => call.call_id), ENDS],
  );
  expect(rows).toEqual([{ callbacks: 0, look_ups: RECIPIENTS }]);
  expect(simulator.summary().openCalls).toBe(0);
  expect(simulator.summary().dialedMoreThanOnce).toEqual({});
});
