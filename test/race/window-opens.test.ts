// A campaign whose window opens in a moment, on a real clock: the only server is killed before the
// opening and started again after it. Nobody is called early, nobody twice, nobody is forgotten.

import { expect, test } from "vitest";
import {
  createCampaign,
  makeTenant,
  readCampaign,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startRestartable } from "../support/race-set-up.ts";
import { waitFor } from "../support/wait-for.ts";

const RECIPIENTS = 5;
const MINUTE_MS = 60_000;
// Time to create the campaign and kill the server before the opening.
const LEAD_MS = 10_000;

test("a window that opens while every process is down is used as soon as one is up", async () => {
  const simulator = await startCarrier(20);
  const product = await startRestartable(simulator);
  const tenant = await makeTenant(product.server, { concurrentCalls: 5, callsPerSecond: 5 });

  const opensAt = Math.ceil((Date.now() + LEAD_MS) / MINUTE_MS) * MINUTE_MS;
  const startMinutes = Math.floor((opensAt % 86_400_000) / MINUTE_MS);
  const campaignId = await createCampaign(product.server, tenant, testPhones(RECIPIENTS), {
    timezone: "UTC",
    schedule_type: "schedule",
    scheduled_date: new Date(opensAt).toISOString().slice(0, 10),
    window_start_minutes: startMinutes,
    window_end_minutes: startMinutes === 0 ? 1439 : startMinutes - 1 || 1440,
  });
  const scheduled = await readCampaign(product.server, tenant, campaignId);
  expect(scheduled.status).toBe("scheduled");
  expect(Date.parse(scheduled.next_dial_at ?? "")).toBe(opensAt);
  await product.server.end("SIGKILL");
  await waitFor(() => Date.now() > opensAt, { timeoutMs: 2 * MINUTE_MS, describe: "the opening" });
  expect(simulator.summary().calls).toBe(0);

  await product.restart();
  const campaign = await waitUntilCompleted(product.server, tenant, campaignId);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  const books = simulator.summary();
  expect(books.calls).toBe(RECIPIENTS);
  expect(books.dialedMoreThanOnce).toEqual({});
});
