// kill -9 of the only server in mid-campaign: started again on the same data directory it finishes
// the campaign, and the carrier's books show each recipient dialed once.

import { rmSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { startStandaloneSimulator } from "../../src/app/standalone-simulator.ts";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import {
  accountWith,
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

const RECIPIENTS = 60;

test("a killed server finishes its campaign after a restart, and calls nobody twice", async () => {
  const { simulator } = await startStandaloneSimulator({
    port: 0,
    speed: 20,
    accounts: [accountWith(20)],
    faults: { list: { foreign: { probability: 0 } } },
  });
  onTestFinished(() => simulator.close());
  const dataDirectory = makeTemporaryDataDirectory("carillon-kill-");
  const settings = {
    CARILLON_DATA_DIR: dataDirectory,
    TWILIO_API_BASE_URL: simulator.url,
    CARILLON_MODEL: "openai-compatible:scripted-agent",
    CARILLON_MODEL_BASE_URL: `${simulator.url}/v1`,
  };
  let server: ServerProcess = await startServerProcess(settings);
  onTestFinished(async () => {
    // In order, so that the embedded database stops with its server.
    await server.end("SIGTERM");
    rmSync(dataDirectory, { recursive: true, force: true });
  });
  const tenant = await makeTenant(server, { concurrentCalls: 20, callsPerSecond: 10 });
  const campaignId = await createCampaign(server, tenant, testPhones(RECIPIENTS));
  await waitFor(() => simulator.summary().calls >= RECIPIENTS / 3, {
    timeoutMs: 60_000,
    describe: "a third of the calls",
  });

  await server.end("SIGKILL");
  const placedBefore = simulator.summary().calls;
  expect(placedBefore).toBeLessThan(RECIPIENTS);
  // The same port: the carrier still knows the old address.
  const port = new URL(server.url).port;
  server = await startServerProcess({ ...settings, CARILLON_PORT: port });

  const campaign = await waitUntilCompleted(server, tenant, campaignId);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  const books = simulator.summary();
  expect(books.dialedMoreThanOnce).toEqual({});
  expect(books.calls).toBe(RECIPIENTS);
});
