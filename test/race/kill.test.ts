// kill -9 of the only server in mid-campaign: started again on the same data directory it finishes
// the campaign, and the carrier's books show each recipient dialed once.

import { expect, test } from "vitest";
import {
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startRestartable } from "../support/race-set-up.ts";
import { waitFor } from "../support/wait-for.ts";

const RECIPIENTS = 60;

test("a killed server finishes its campaign after a restart, and calls nobody twice", async () => {
  const simulator = await startCarrier(20);
  const product = await startRestartable(simulator);
  const tenant = await makeTenant(product.server, { concurrentCalls: 20, callsPerSecond: 10 });
  const campaignId = await createCampaign(product.server, tenant, testPhones(RECIPIENTS));
  await waitFor(() => simulator.summary().calls >= RECIPIENTS / 3, {
    timeoutMs: 60_000,
    describe: "a third of the calls",
  });

  await product.server.end("SIGKILL");
  const placedBefore = simulator.summary().calls;
  expect(placedBefore).toBeLessThan(RECIPIENTS);
  await product.restart();

  const campaign = await waitUntilCompleted(product.server, tenant, campaignId);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  const books = simulator.summary();
  expect(books.dialedMoreThanOnce).toEqual({});
  expect(books.calls).toBe(RECIPIENTS);
});
