// A backup of a live campaign, restored into a new server after the old one was killed: the
// carrier's books show that nobody was dialed twice, neither those who were dialed before the
// backup nor those who were dialed after it, and that nobody was missed.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import {
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { runCarillon } from "../support/carillon-command.ts";
import { startCarrier, startRestartable } from "../support/race-set-up.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";

const RECIPIENTS = 80;
/** Rows enough that a restore is at them for longer than a kill takes. */
const LARGE_ROWS = 120_000;
/** What one statement of a test writes: far from the time limit on a statement. */
const ROWS_AT_ONCE = 10_000;

function temporaryDirectory(): string {
  const made = mkdtempSync(join(tmpdir(), "carillon-restore-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test("a restored backup of a live campaign finishes it, and calls nobody twice", async () => {
  // Registered first, so that it is removed after the server in it has ended.
  const dataDirectory = makeTemporaryDataDirectory("carillon-restored-");
  onTestFinished(() => rmSync(dataDirectory, { recursive: true, force: true }));
  const simulator = await startCarrier(20);
  const product = await startRestartable(simulator);
  const tenant = await makeTenant(product.server, { concurrentCalls: 20, callsPerSecond: 5 });
  const campaignId = await createCampaign(product.server, tenant, testPhones(RECIPIENTS));
  const untilPlaced = (calls: number) =>
    waitFor(() => simulator.summary().calls >= calls, {
      timeoutMs: 120_000,
      describe: `${calls} calls`,
    });

  await untilPlaced(10);
  const file = join(temporaryDirectory(), "live.backup");
  const backup = await runCarillon(["backup", file, "--with-key"], product.settings);
  expect(backup.exitCode, backup.printed).toBe(0);
  const placedAtBackup = simulator.summary().calls;
  await untilPlaced(placedAtBackup + 20);
  await product.server.end("SIGKILL");
  const placedBefore = simulator.summary().calls;
  expect(placedBefore).toBeLessThan(RECIPIENTS);

  // Takes up the database that outlived its server, and stops it: as if its machine were gone.
  await runCarillon(["keys", "list"], product.settings);
  const place = { ...product.settings, CARILLON_DATA_DIR: dataDirectory };
  const restore = await runCarillon(["restore", file], place);
  expect(restore.exitCode, restore.printed).toBe(0);
  await product.restart(dataDirectory);
  const health = await product.server.ask<{ checks: { restore?: { message: string } } }>(
    "GET",
    "/v1/health",
  );
  expect(health.body.checks.restore?.message).toContain("dial nothing until");

  const campaign = await waitUntilCompleted(product.server, tenant, campaignId);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  const books = simulator.summary();
  expect(books.dialedMoreThanOnce).toEqual({});
  expect(books.calls).toBe(RECIPIENTS);
});

test("a restore killed in the middle leaves an empty database, and can be done again", async () => {
  const source = await createTestDatabase();
  onTestFinished(source.drop);
  await source.db.query(
    `insert into api_keys (id, secret_hash, concurrent_call_limit, created_at)
     values ('key_1', '\\x00', 5, '2026-03-01T10:00:00Z')`,
  );
  for (let first = 1; first <= LARGE_ROWS; first += ROWS_AT_ONCE) {
    await source.db.query(
      `insert into recipients (key_id, row_index, phone, variables, due_at)
       select 'key_1', n, '+12025550101', '{}', '2026-03-01T10:00:00Z' from generate_series($1::int, $2::int) n`,
      [first, first + ROWS_AT_ONCE - 1],
    );
  }
  const file = join(temporaryDirectory(), "large.backup");
  const from = { DATABASE_URL: source.db.connectionString };
  expect((await runCarillon(["backup", file], from)).exitCode).toBe(0);

  const target = await createTestDatabase({ isEmpty: true });
  onTestFinished(target.drop);
  const into = { DATABASE_URL: target.db.connectionString };
  const killed = await runCarillon(["restore", file], into, (printed, kill) => {
    // Recipients come after it.
    if (printed.includes("api_keys: 1 rows")) kill();
  });
  expect(killed.exitCode).toBeNull();
  const { rows } = await target.db.query(
    "select relname from pg_class where relnamespace = 'public'::regnamespace",
  );
  expect(rows).toEqual([]);
  const again = await runCarillon(["restore", file], into);
  expect(again.exitCode, again.printed).toBe(0);
  const counted = await target.db.query("select count(*) as n from recipients");
  expect(counted.rows).toEqual([{ n: LARGE_ROWS }]);
});
