// Merging against membership: an instant is inside a merged opening exactly when one series has it.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Opening } from "../../src/domain/calling-window.ts";
import { mergeOpenings } from "../../src/domain/merged-openings.ts";

const seriesArbitrary: fc.Arbitrary<readonly Opening[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 12 })
  .map((bounds) => {
    const sorted = bounds.toSorted((one, other) => one - other);
    return sorted.flatMap((opensAt, index) => {
      const closesAt = sorted[index + 1];
      return index % 2 === 1 || closesAt === undefined ? [] : [{ opensAt, closesAt }];
    });
  });

const isInside = (openings: readonly Opening[], at: number): boolean =>
  openings.some(({ opensAt, closesAt }) => opensAt <= at && at < closesAt);

test("is open exactly when one is, in order and apart", () => {
  fc.assert(
    fc.property(fc.array(seriesArbitrary, { maxLength: 5 }), (all) => {
      const merged = [...mergeOpenings(all.map((openings) => openings.values()))];
      for (let at = -1; at <= 61; at += 1) {
        expect(isInside(merged, at)).toBe(all.some((openings) => isInside(openings, at)));
      }
      for (const [index, opening] of merged.entries()) {
        expect(opening.opensAt).toBeGreaterThan(merged[index - 1]?.closesAt ?? -1);
      }
    }),
  );
});

test("asks endless series for no more than it gives", () => {
  function* daily(first: number): Generator<Opening, void> {
    for (let day = 0; ; day += 1)
      yield { opensAt: first + day * 24, closesAt: first + day * 24 + 8 };
  }
  expect([...mergeOpenings([daily(0), daily(8), daily(20)]).take(2)]).toEqual([
    { opensAt: 0, closesAt: 16 },
    { opensAt: 20, closesAt: 40 },
  ]);
  const always = [{ opensAt: 3, closesAt: Number.POSITIVE_INFINITY }];
  expect([...mergeOpenings([daily(0), always.values()])]).toEqual([
    { opensAt: 0, closesAt: Number.POSITIVE_INFINITY },
  ]);
});
