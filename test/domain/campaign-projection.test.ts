// The projection against the rules it claims to follow, on random limits and openings.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Opening } from "../../src/domain/calling-window.ts";
import {
  averageHoldMs,
  MAX_PROJECTED_MS,
  projectCampaign,
  type ProjectionFacts,
} from "../../src/domain/campaign-projection.ts";

const NOON = Date.parse("2030-06-12T11:00:00Z");
const HOUR = 3_600_000;
const ALWAYS: readonly Opening[] = [{ opensAt: NOON, closesAt: Number.POSITIVE_INFINITY }];

const facts: ProjectionFacts = {
  from: NOON,
  openings: ALWAYS,
  recipientCount: 100,
  callsPerSecond: 1,
  maxOpenCalls: 1_000,
  maxCallsPerDay: Number.POSITIVE_INFINITY,
  // Every call holds its line for 70 seconds.
  assumptions: { talkSeconds: 60, answerRate: 1 },
  expiresAt: Number.POSITIVE_INFINITY,
};

function project(changes: Partial<ProjectionFacts>) {
  const { startsAt, finishesAt, ...rest } = projectCampaign({ ...facts, ...changes });
  const seconds = (at: number | null) => (at === null ? null : (at - NOON) / 1_000);
  return { startsAt: seconds(startsAt), finishesAt: seconds(finishesAt), ...rest };
}

test("the average call", () => {
  expect(averageHoldMs({ talkSeconds: 60, answerRate: 1 })).toBe(70_000);
  expect(averageHoldMs({ talkSeconds: 60, answerRate: 0 })).toBe(30_000);
  expect(averageHoldMs({ talkSeconds: 50, answerRate: 0.5 })).toBe(45_000);
});

test("pace alone: a hundred calls 1.1 seconds apart, and the last talk", () => {
  expect(project({})).toEqual({
    startsAt: 0,
    finishesAt: 99 * 1.1 + 70,
    dialedInTime: 100,
    paceBinds: true,
  });
});

test("few calls at once: ten by ten", () => {
  // The last ten start in the tenth round, 1.1 seconds apart.
  const { finishesAt, paceBinds } = project({ maxOpenCalls: 10 });
  expect(finishesAt).toBe(9 * 70 + 9 * 1.1 + 70);
  expect(paceBinds).toBe(false);
});

test("goes on at the next opening, and a late start counts from itself", () => {
  const openings = [
    { opensAt: NOON - HOUR, closesAt: NOON + 11_000 },
    { opensAt: NOON + HOUR, closesAt: NOON + 2 * HOUR },
  ];
  // At 0, 1.1, … 9.9 seconds: ten. The opening's end is not part of it.
  const { startsAt, finishesAt } = project({ openings });
  expect(startsAt).toBe(0);
  expect(finishesAt).toBe(3_600 + 89 * 1.1 + 70);
  expect(project({ openings, expiresAt: NOON + HOUR }).dialedInTime).toBe(10);
});

test("a cap per day makes days of it", () => {
  const { finishesAt } = project({ maxCallsPerDay: 40 });
  expect(finishesAt).toBe(2 * 86_400 + 19 * 1.1 + 70);
});

test.each<[string, Partial<ProjectionFacts>, number | null]>([
  ["nobody to call", { recipientCount: 0 }, null],
  ["no call at once", { maxOpenCalls: 0 }, null],
  ["no call per day", { maxCallsPerDay: 0 }, null],
  ["openings that end", { openings: [{ opensAt: NOON, closesAt: NOON + 1_000 }] }, 0],
  ["more than a year of calls", { callsPerSecond: 1e-9 }, 0],
])("%s never finishes", (_name, changes, startsAt) => {
  expect(project(changes)).toMatchObject({ startsAt, finishesAt: null });
});

const openingsArbitrary = fc
  .array(
    fc.record({ pause: fc.integer({ min: 1, max: 48 }), open: fc.integer({ min: 1, max: 24 }) }),
    {
      minLength: 1,
      maxLength: 30,
    },
  )
  .map((spans) => {
    let at = NOON - HOUR;
    return spans.map(({ pause, open }, index) => {
      const opensAt = index === 0 ? at : at + pause * HOUR;
      at = opensAt + open * HOUR + 1;
      return { opensAt, closesAt: at };
    });
  })
  .filter(([first]) => first !== undefined && first.closesAt > NOON);

const factsArbitrary: fc.Arbitrary<ProjectionFacts> = fc.record({
  from: fc.constant(NOON),
  openings: openingsArbitrary,
  recipientCount: fc.integer({ min: 1, max: 400 }),
  callsPerSecond: fc.constantFrom(0.001, 0.05, 0.3, 1, 30),
  maxOpenCalls: fc.integer({ min: 1, max: 50 }),
  maxCallsPerDay: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 500 })),
  assumptions: fc.record({
    talkSeconds: fc.integer({ min: 1, max: 3_600 }),
    answerRate: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  expiresAt: fc.constant(Number.POSITIVE_INFINITY),
});

/** When the n-th call starts, read from projections of the list's first n. */
function dialAt(given: ProjectionFacts, n: number): number | null {
  const { finishesAt } = projectCampaign({ ...given, recipientCount: n });
  return finishesAt === null ? null : finishesAt - averageHoldMs(given.assumptions);
}

test("every call is inside an opening, paced, and under the limits; none could be earlier", () => {
  // What ceil() may add to an end.
  const SLACK_MS = 2;
  fc.assert(
    fc.property(factsArbitrary, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
      const n = Math.max(1, Math.ceil(share * given.recipientCount));
      const at = dialAt(given, n);
      if (at === null) return;
      const openings = [...given.openings];
      const holder = openings.find(
        ({ opensAt, closesAt }) => opensAt <= at + SLACK_MS && at - SLACK_MS < closesAt,
      );
      expect(holder).toBeDefined();
      const ago = (calls: number): number =>
        n - calls >= 1 ? (dialAt(given, n - calls) ?? 0) : Number.NEGATIVE_INFINITY;
      const bounds = [
        given.from,
        holder?.opensAt ?? 0,
        ago(1) + 1_100 / given.callsPerSecond,
        ago(given.maxOpenCalls) + averageHoldMs(given.assumptions),
        Number.isFinite(given.maxCallsPerDay)
          ? ago(given.maxCallsPerDay) + 24 * HOUR
          : Number.NEGATIVE_INFINITY,
      ];
      // Not before any bound, and exactly at the latest of them.
      expect(Math.abs(at - Math.max(...bounds))).toBeLessThanOrEqual(2 * SLACK_MS);
    }),
    { numRuns: 500 },
  );
});

test("more of anything never finishes later, and the last call is within a year of the first", () => {
  fc.assert(
    fc.property(factsArbitrary, (given) => {
      const end = (changes: Partial<ProjectionFacts>): number =>
        projectCampaign({ ...given, ...changes }).finishesAt ?? Number.POSITIVE_INFINITY;
      const usual = end({});
      expect(end({ maxOpenCalls: given.maxOpenCalls + 1 })).toBeLessThanOrEqual(usual);
      expect(end({ maxCallsPerDay: given.maxCallsPerDay + 1 })).toBeLessThanOrEqual(usual);
      expect(end({ callsPerSecond: given.callsPerSecond * 2 })).toBeLessThanOrEqual(usual);
      expect(end({ recipientCount: given.recipientCount - 1 || 1 })).toBeLessThanOrEqual(usual);
      const { startsAt, finishesAt } = projectCampaign(given);
      if (startsAt === null || finishesAt === null) return;
      const longest = MAX_PROJECTED_MS + averageHoldMs(given.assumptions) + 1;
      expect(finishesAt - startsAt).toBeLessThanOrEqual(longest);
    }),
    { numRuns: 500 },
  );
});
