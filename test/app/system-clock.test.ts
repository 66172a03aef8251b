// The production clock over a real database, and the production dice.

import { expect, onTestFinished, test } from "vitest";
import { startSystemClock } from "../../src/app/system-clock.ts";
import { systemRandom } from "../../src/app/system-random.ts";
import { MAX_ROUND_TRIP_MS } from "../../src/app/clock-offset.ts";
import { readDatabaseTime } from "../../src/app/database-time.ts";
import type { Queryable } from "../../src/ports/database.ts";
import { testDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";

const db = await testDatabase({ isEmpty: true });

async function clockOver(source: Queryable) {
  const clock = await startSystemClock(source);
  onTestFinished(() => clock.stop());
  return clock;
}

test("a started clock is steady and lies between two readings of the database", async () => {
  const clock = await clockOver(db);
  // A machine so busy that every answer of the first round came late gets another round.
  await waitFor(() => clock.state().kind === "steady", { describe: "a quick enough answer" });
  const before = await readDatabaseTime(db);
  const now = clock.now();
  const after = await readDatabaseTime(db);
  // Slower answers are not believed, and the error is half of a round trip.
  const maxErrorMs = MAX_ROUND_TRIP_MS / 2;
  expect(now).toBeGreaterThan(before - maxErrorMs - 1);
  expect(now).toBeLessThan(after + maxErrorMs);
  expect(Number.isInteger(now)).toBe(true);
  expect(Math.abs(clock.skewMs())).toBeLessThan(maxErrorMs + 1);
});

test("time never goes back while the clock runs", async () => {
  const clock = await clockOver(db);
  let latest = clock.now();
  for (let reading = 0; reading < 1_000; reading++) {
    const now = clock.now();
    expect(now).toBeGreaterThanOrEqual(latest);
    latest = now;
  }
});

test("without a database no clock starts", async () => {
  const broken: Queryable = {
    query: () => Promise.reject(new Error("no database")),
    copyFrom: () => Promise.reject(new Error("no database")),
  };
  await expect(startSystemClock(broken)).rejects.toThrow("no database");
});

test("dice: bytes have the length asked for, fractions lie in [0, 1) and differ", () => {
  expect(systemRandom.bytes(16)).toHaveLength(16);
  const fractions = Array.from({ length: 1_000 }, () => systemRandom.fraction());
  expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
  expect(new Set(fractions).size).toBe(1_000);
});
