// Two server processes on one database share a campaign: the carrier's own books show that the
// key's limit and the account's pace hold at every moment, and that nobody is dialed twice.

import { expect, onTestFinished, test } from "vitest";
import { verifyTables } from "../../src/app/verify.ts";
import {
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startTwoServers } from "../support/race-set-up.ts";
import { createTestDatabase } from "../support/test-database.ts";

const CONCURRENT_CALLS = 15;
const CALLS_PER_SECOND = 10;
const RECIPIENTS = 120;

test("the key's limit and the pace hold across processes, and nobody is dialed twice", async () => {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const simulator = await startCarrier(CALLS_PER_SECOND * 2);
  const servers = await startTwoServers(simulator, db);
  const [first, second] = servers;

  const limits = { concurrentCalls: CONCURRENT_CALLS, callsPerSecond: CALLS_PER_SECOND };
  const tenant = await makeTenant(first, limits);
  const campaignId = await createCampaign(first, tenant, testPhones(RECIPIENTS));
  const campaign = await waitUntilCompleted(second, tenant, campaignId);

  const total = Object.values(campaign.counts).reduce((sum, count) => sum + count, 0);
  expect(total).toBe(RECIPIENTS);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0 });
  const books = simulator.summary();
  expect(books.dialedMoreThanOnce).toEqual({});
  expect(books.calls).toBe(RECIPIENTS);
  expect(books.maxOpenByAccount.total).toBeLessThanOrEqual(CONCURRENT_CALLS);
  expect(books.maxCreatesInOneSecond.total).toBeLessThanOrEqual(CALLS_PER_SECOND + 1);
  const { rows } = await db.query<{ owner: string }>(
    "select distinct lease_owner as owner from calls",
  );
  expect(rows.length, "both processes dialed").toBe(2);
  expect((await verifyTables(db, Date.now())).findings).toEqual([]);
  expect(await Promise.all(servers.map((server) => server.end("SIGTERM")))).toEqual([0, 0]);
});
