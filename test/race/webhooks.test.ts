// kill -9 in mid-campaign: after a restart every call's end is told, with its analysis, and every
// analysis is there once. The whole product, as a user runs it.

import { rmSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { startStandaloneSimulator } from "../../src/app/standalone-simulator.ts";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import type { Call } from "../../src/http/contract/call.ts";
import {
  accountWith,
  createCampaign,
  makeTenant,
  readCampaign,
  testPhones,
} from "../support/campaign-set-up.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";
import { webhookReceiver } from "../support/webhook-receiver.ts";

const RECIPIENTS = 20;

test("after a kill every end is told and every talk analysed", async () => {
  const receiver = await webhookReceiver();
  const { simulator } = await startStandaloneSimulator({
    port: 0,
    speed: 20,
    accounts: [accountWith(20)],
    faults: { list: { foreign: { probability: 0 } } },
  });
  onTestFinished(() => simulator.close());
  const dataDirectory = makeTemporaryDataDirectory("carillon-webhooks-");
  const settings = {
    CARILLON_DATA_DIR: dataDirectory,
    TWILIO_API_BASE_URL: simulator.url,
    CARILLON_MODEL: "openai-compatible:scripted-agent",
    CARILLON_MODEL_BASE_URL: `${simulator.url}/v1`,
    CARILLON_ALLOW_LOCAL_URLS: "true",
  };
  let server: ServerProcess = await startServerProcess(settings);
  onTestFinished(async () => {
    await server.end("SIGTERM");
    rmSync(dataDirectory, { recursive: true, force: true });
  });
  const tenant = await makeTenant(server, { concurrentCalls: 20, callsPerSecond: 10 });
  const agent = { webhook_url: receiver.url };
  await server.ask("PUT", `/v1/agents/${tenant.agentId}`, agent, tenant.bearer);
  const campaignId = await createCampaign(server, tenant, testPhones(RECIPIENTS));
  const told = (event: string) =>
    receiver.received.filter((each) => each.payload.event === event).map((each) => each.payload);
  await waitFor(() => told("call.completed").length >= RECIPIENTS / 4, {
    timeoutMs: 120_000,
    describe: "a quarter of the ends",
  });
  await server.end("SIGKILL");
  const port = new URL(server.url).port;
  server = await startServerProcess({ ...settings, CARILLON_PORT: port });

  await waitFor(() => told("campaign.completed").length > 0, {
    timeoutMs: 240_000,
    describe: "the end of the campaign to be told",
  });
  expect((await readCampaign(server, tenant, campaignId)).status).toBe("completed");
  const path = `/v1/calls?campaign_id=${campaignId}&limit=200`;
  const calls = await waitFor(
    async () => {
      const { body } = await server.ask<Call[]>("GET", path, undefined, tenant.bearer);
      const ids = new Set(told("call.completed").map((payload) => payload.call_id));
      const isOver = body.every((call) => ids.has(call.call_id));
      return isOver && body.every((call) => call.analysis_status !== "pending") ? body : null;
    },
    { timeoutMs: 120_000, describe: "every end to be told and every talk analysed" },
  );
  expect(calls.length).toBeGreaterThanOrEqual(RECIPIENTS);
  const connected = calls.filter((call) => call.call_status === "completed");
  expect(connected.every((call) => call.analysis_status !== null)).toBe(true);
  expect(connected.some((call) => call.analysis_status === "done")).toBe(true);
  expect(calls.filter((call) => call.analysis_status === "failed")).toEqual([]);
});
