// SIGTERM: what is being placed is finished and handed over, nothing new begins, and the process
// ends in bounded time, also while the database and the carrier hang.

import { expect, test } from "vitest";
import { createCampaign, makeTenant, testPhones } from "../support/campaign-set-up.ts";
import { waitFor } from "../support/wait-for.ts";
import { startOutages, type Outages } from "./outage-world.ts";

const CALLS_PER_SECOND = 10;
/** What a supervisor waits, by habit. */
const PATIENCE_MS = 30_000;

async function startCalling(): Promise<Outages> {
  const world = await startOutages(2 * CALLS_PER_SECOND);
  const limits = { concurrentCalls: 50, callsPerSecond: CALLS_PER_SECOND };
  const tenant = await makeTenant(world.server, limits);
  await createCampaign(world.server, tenant, testPhones(400));
  await waitFor(() => world.simulator.summary().calls >= 2 * CALLS_PER_SECOND, {
    timeoutMs: 60_000,
    describe: "calls to be made",
  });
  return world;
}

test("an ended server leaves nothing reserved and nothing of an unknown fate", async () => {
  const { cluster, server, simulator } = await startCalling();
  expect(await server.end("SIGTERM")).toBe(0);
  const { rows } = await cluster.admin.query<{ status: string; unbound: number }>(
    `select status, count(*) filter (where carrier_call_id is null)::int as unbound
     from calls where open group by status`,
  );
  const statuses = rows.map((row) => row.status);
  expect(statuses, "reservations were given back").not.toContain("reserved");
  expect(
    rows.reduce((sum, row) => sum + row.unbound, 0),
    "answers were written down",
  ).toBe(0);
  expect(simulator.summary().dialedMoreThanOnce).toEqual({});
});

test("it ends in bounded time while the database and the carrier hang", async () => {
  const { server, database, carrier } = await startCalling();
  carrier.hold();
  database.hold();
  const askedAt = performance.now();
  expect(await server.end("SIGTERM")).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(PATIENCE_MS);
});
