// SIGSTOP of a process whose calls have passed the gate, for longer than their lease: awake again
// it must not dial. Its requests are destroyed unsent, and their people are called once all the
// same.

import { expect, onTestFinished, test } from "vitest";
import { createCampaign, makeTenant, testPhones } from "../support/campaign-set-up.ts";
import { startCarrier, startServerOn } from "../support/race-set-up.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";

interface GatedRow {
  readonly id: string;
  readonly phone: string;
  readonly [column: string]: unknown;
}

/** Gated, its instant not come: it cannot have been written when its process was stopped before. */
const GATED = `
  select id, to_number as phone from calls
  where status = 'dialing' and lease_owner = $1 and carrier_call_id is null
    and dial_at > $2::timestamptz + interval '20 milliseconds'`;

test("a process that slept longer than its leases dials none of them", async () => {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const simulator = await startCarrier(40);
  const sleeper = await startServerOn(simulator, db);
  const { rows: processes } = await db.query<{ id: string }>("select id from processes");
  await startServerOn(simulator, db);
  const tenant = await makeTenant(sleeper, { concurrentCalls: 100, callsPerSecond: 20 });
  await createCampaign(sleeper, tenant, testPhones(400));

  const gated = await stopAfterTheGate(db, sleeper, processes[0]?.id ?? "");
  await waitFor(
    async () => {
      const { rows } = await db.query<{ over: boolean }>(
        "select bool_and(lease_until < clock_timestamp()) as over from calls where id = any($1)",
        [gated.map(({ id }) => id)],
      );
      return rows[0]?.over;
    },
    { timeoutMs: 60_000, pollMs: 100, describe: "the leases to be over" },
  );
  const before = simulator.summary().createsByTo;
  for (const { phone } of gated) expect(before[phone]).toBeUndefined();
  process.kill(sleeper.pid, "SIGCONT");

  await waitFor(
    async () => {
      const { rows } = await db.query<{ count: number }>(
        `select count(distinct call_id)::int as count from call_events
         where call_id = any($1) and kind = 'placing_refused' and facts->>'class' = 'unsent'`,
        [gated.map(({ id }) => id)],
      );
      return rows[0]?.count === gated.length;
    },
    { timeoutMs: 60_000, pollMs: 100, describe: "the late requests to be destroyed unsent" },
  );
  await waitFor(() => gated.every(({ phone }) => simulator.summary().createsByTo[phone] === 1), {
    timeoutMs: 60_000,
    pollMs: 100,
    describe: "their people to be called all the same",
  });
  expect(simulator.summary().dialedMoreThanOnce).toEqual({});
});

/** Stops a server when calls of its own are between its gate and their requests. */
function stopAfterTheGate(
  db: TestDatabase,
  { pid }: ServerProcess,
  owner: string,
): Promise<readonly GatedRow[]> {
  return waitFor(
    async () => {
      process.kill(pid, "SIGSTOP");
      // Asked once it stands still: what the database says then was true of it.
      const { rows: clock } = await db.query<{ at: string }>(
        "select clock_timestamp()::text as at",
      );
      const { rows } = await db.query<GatedRow>(GATED, [owner, clock[0]?.at]);
      if (rows.length > 0) return rows;
      process.kill(pid, "SIGCONT");
      return null;
    },
    { timeoutMs: 60_000, describe: "calls between gate and request" },
  );
}
