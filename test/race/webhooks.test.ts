// kill -9 in mid-campaign: after a restart every call's end is told, with its analysis, and every
// analysis is there once. The whole product, as a user runs it.

import { expect, test } from "vitest";
import type { Call } from "../../src/http/contract/call.ts";
import {
  API_POLL_MS,
  createCampaign,
  makeTenant,
  readCampaign,
  testPhones,
} from "../support/campaign-set-up.ts";
import { startCarrier, startRestartable } from "../support/race-set-up.ts";
import { waitFor } from "../support/wait-for.ts";
import { webhookReceiver } from "../support/webhook-receiver.ts";

const RECIPIENTS = 20;

test("after a kill every end is told and every talk analysed", async () => {
  const receiver = await webhookReceiver();
  const simulator = await startCarrier(20);
  const product = await startRestartable(simulator, { CARILLON_ALLOW_LOCAL_URLS: "true" });
  const tenant = await makeTenant(product.server, { concurrentCalls: 20, callsPerSecond: 10 });
  const agent = { webhook_url: receiver.url };
  await product.server.ask("PUT", `/v1/agents/${tenant.agentId}`, agent, tenant.bearer);
  const campaignId = await createCampaign(product.server, tenant, testPhones(RECIPIENTS));
  const told = (event: string) =>
    receiver.received.filter((each) => each.payload.event === event).map((each) => each.payload);
  await waitFor(() => told("call.completed").length >= RECIPIENTS / 4, {
    timeoutMs: 120_000,
    describe: "a quarter of the ends",
  });
  await product.server.end("SIGKILL");
  await product.restart();

  await waitFor(() => told("campaign.completed").length > 0, {
    timeoutMs: 240_000,
    describe: "the end of the campaign to be told",
  });
  expect((await readCampaign(product.server, tenant, campaignId)).status).toBe("completed");
  const path = `/v1/calls?campaign_id=${campaignId}&limit=200`;
  const calls = await waitFor(
    async () => {
      const { body } = await product.server.ask<Call[]>("GET", path, undefined, tenant.bearer);
      const ids = new Set(told("call.completed").map((payload) => payload.call_id));
      const isOver = body.every((call) => ids.has(call.call_id));
      return isOver && body.every((call) => call.analysis_status !== "pending") ? body : null;
    },
    {
      timeoutMs: 120_000,
      pollMs: API_POLL_MS,
      describe: "every end to be told and every talk analysed",
    },
  );
  expect(calls.length).toBeGreaterThanOrEqual(RECIPIENTS);
  const connected = calls.filter((call) => call.call_status === "completed");
  expect(connected.every((call) => call.analysis_status !== null)).toBe(true);
  expect(connected.some((call) => call.analysis_status === "done")).toBe(true);
  expect(calls.filter((call) => call.analysis_status === "failed")).toEqual([]);
});
