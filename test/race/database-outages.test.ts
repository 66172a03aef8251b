// A database that is read-only, full, out of connections, unreachable or killed in mid-campaign:
// nobody is dialed meanwhile, the API says 503 and when to come back, and the same process goes on
// by itself. In the end everybody was called once.

import { expect, test } from "vitest";
import {
  createCampaign,
  makeTenant,
  readCampaign,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import type { Answer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";
import { startOutages } from "./outage-world.ts";

const CALLS_PER_SECOND = 10;
const RECIPIENTS = 150;
/** Calls that begin again before the next outage. */
const CALLS_BETWEEN = 5;

test("every outage stops dialing, answers 503 with Retry-After, and heals by itself", async () => {
  const { cluster, simulator, server, database } = await startOutages(2 * CALLS_PER_SECOND);
  const limits = { concurrentCalls: 100, callsPerSecond: CALLS_PER_SECOND };
  const tenant = await makeTenant(server, limits);
  const campaignId = await createCampaign(server, tenant, testPhones(RECIPIENTS));
  const placed = (): number => simulator.summary().calls;
  const untilPlaced = (count: number, what: string): Promise<unknown> =>
    waitFor(() => placed() >= count, {
      timeoutMs: 60_000,
      describe: () => `${count} calls ${what}, there are ${placed()}; ${server.output()}`,
    });
  const edit = (): Promise<Answer<{ error?: { code: string } }>> =>
    server.ask("PATCH", `/v1/calls/batch/${campaignId}`, { name: "Edited" }, tenant.bearer);

  const outages: Record<string, (isOn: boolean) => Promise<void> | void> = {
    "read-only": (isOn) => cluster.setReadOnly(isOn),
    "a full disk": (isOn) => cluster.setDiskFull(isOn),
    "no connections": (isOn) => cluster.setOutOfConnections(isOn),
    "out of reach": (isOn) => database.refuse(isOn),
  };
  await untilPlaced(CALLS_BETWEEN, "before any outage");
  for (const [name, set] of Object.entries(outages)) {
    await set(true);
    const refused = await waitFor(
      async () => {
        const answer = await edit();
        return answer.status === 503 ? answer : null;
      },
      { timeoutMs: 30_000, pollMs: 100, describe: `503 while ${name}` },
    );
    expect(refused.headers.get("retry-after"), name).toBe("5");
    expect(refused.body.error?.code, name).toBe("database_unavailable");
    await set(false);
    await untilPlaced(placed() + CALLS_BETWEEN, `after ${name}`);
  }
  await cluster.killServer();
  await cluster.killBackend();
  await untilPlaced(placed() + CALLS_BETWEEN, "after the database was killed");
  expect((await edit()).status).toBe(200);

  const campaign = await waitUntilCompleted(server, tenant, campaignId);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  expect(simulator.summary().dialedMoreThanOnce).toEqual({});
  expect(simulator.summary().calls).toBe(RECIPIENTS);
  expect(await readCampaign(server, tenant, campaignId)).toMatchObject({ status: "completed" });
  expect(await server.end("SIGTERM")).toBe(0);
});
