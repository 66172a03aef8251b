// Seeded worlds: the unchanged engine with everything that can go wrong, and the rules that it must
// keep all the same. A fixed list, so that what once broke stays mended, and fresh seeds each time.

import { afterAll, expect, inject, test } from "vitest";
import { runSeed, type SeedResult } from "./run-seed.ts";
import { simulateSeeds } from "./simulate-seeds.ts";
import { createWorldDatabase } from "./world-database.ts";

const clusterUrl = inject("clusterUrl");

const FIXED = Array.from({ length: 100 }, (_, index) => index + 1);
const FRESH = 50;
/** Repeated in another database: the same seed must make the same history. */
const REPEATED = [3, 11, 17, 42];

/** Against hanging; a hundred seeds take about a minute on two idle cores. */
const TIMEOUT_MS = 900_000;

async function simulate(seeds: readonly number[]): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  const left = [...seeds];
  await simulateSeeds({
    clusterUrl,
    nextSeed: () => left.shift() ?? null,
    onResult: (result) => results.push(result),
  });
  return results;
}

function findingsOf(results: readonly SeedResult[]): string[] {
  return results.flatMap(({ seed, finding }) =>
    finding === null
      ? []
      : [`npm run simulate -- --seed ${seed}  # ${finding.rule}: ${finding.what}`],
  );
}

test("every rule holds in a hundred fixed worlds", { timeout: TIMEOUT_MS }, async () => {
  const results = await simulate(FIXED);
  expect(findingsOf(results)).toEqual([]);
  expect(results).toHaveLength(FIXED.length);
});

test("every rule holds in fresh worlds", { timeout: TIMEOUT_MS }, async () => {
  const first = Math.floor(Math.random() * 1_000_000_000);
  console.log(`fresh seeds from ${first}`);
  const results = await simulate(Array.from({ length: FRESH }, (_, index) => first + index));
  expect(findingsOf(results)).toEqual([]);
});

test("one seed makes one history", { timeout: TIMEOUT_MS }, async () => {
  const database = await createWorldDatabase(clusterUrl);
  afterAll(() => database.drop());
  const first = await simulate(REPEATED);
  for (const { seed, hash } of first) {
    expect({ seed, hash: (await runSeed(database.connection, seed)).hash }).toEqual({ seed, hash });
  }
});
