// When somebody who was not reached is called again: examples, and properties over random policies.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decideRetry,
  RETRYABLE_REASONS,
  type RetryFacts,
  type RetryPolicy,
} from "../../src/domain/retry-policy.ts";
import { localDateOf } from "../../src/domain/time-zone.ts";

const ZONE = "America/New_York";
const at = (text: string): number => Date.parse(text);

const policy: RetryPolicy = {
  ended_reasons: ["busy", "no-answer"],
  max_attempts: 3,
  after_minutes: [60, 240],
  max_per_day: null,
  at_minutes: [],
};

function facts(change: Partial<RetryFacts> = {}): RetryFacts {
  const endedAt = at("2030-06-12T15:00:00Z");
  return {
    endedReason: "busy",
    endedAt,
    attempts: 1,
    dialedAt: [endedAt - 30_000],
    timezone: ZONE,
    ...change,
  };
}

test.each<[string, Partial<RetryPolicy>, Partial<RetryFacts>, string | null]>([
  ["after the first gap", {}, {}, "2030-06-12T16:00:00Z"],
  ["after the second gap", {}, { attempts: 2 }, "2030-06-12T19:00:00Z"],
  ["the last gap holds for the rest", { max_attempts: 9 }, { attempts: 5 }, "2030-06-12T19:00:00Z"],
  ["not after the last attempt", {}, { attempts: 3 }, null],
  ["not after another end", {}, { endedReason: "failed" }, null],
  ["not when reached", {}, { endedReason: "callee_hangup" }, null],
  ["never when uncertain", {}, { endedReason: "uncertain" }, null],
  ["a full day: the next local midnight", { max_per_day: 1 }, {}, "2030-06-13T04:00:00Z"],
  ["at a later time of the day", { at_minutes: [18 * 60] }, {}, "2030-06-12T22:00:00Z"],
  ["tomorrow when the time has passed", { at_minutes: [9 * 60] }, {}, "2030-06-13T13:00:00Z"],
  ["the times in turn", { at_minutes: [9 * 60, 18 * 60] }, { attempts: 2 }, "2030-06-12T22:00:00Z"],
  [
    "a full day and a time of the day",
    { max_per_day: 1, at_minutes: [18 * 60] },
    {},
    "2030-06-13T22:00:00Z",
  ],
  [
    "a minute that does not exist is the next that does",
    { at_minutes: [150] },
    { endedAt: at("2030-03-10T04:30:00Z"), dialedAt: [] },
    "2030-03-10T07:30:00Z",
  ],
])("%s", (_, policyChange, factsChange, expected) => {
  const retryAt = decideRetry({ ...policy, ...policyChange }, facts(factsChange));
  expect(retryAt === null ? null : new Date(retryAt).toISOString().replace(".000", "")).toBe(
    expected,
  );
});

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  ended_reasons: fc.uniqueArray(fc.constantFrom(...RETRYABLE_REASONS), { minLength: 1 }),
  max_attempts: fc.integer({ min: 2, max: 10 }),
  after_minutes: fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 10 }),
  max_per_day: fc.option(fc.integer({ min: 1, max: 3 })),
  at_minutes: fc.array(fc.integer({ min: 0, max: 1439 }), { maxLength: 3 }),
});

test("no retry is too early, too many, or one too many on its local day", () => {
  const zones = [ZONE, "Europe/London", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"];
  fc.assert(
    fc.property(
      policies,
      fc.constantFrom(...zones),
      fc.integer({ min: at("2011-12-01T00:00:00Z"), max: at("2032-01-01T00:00:00Z") }),
      fc.array(fc.integer({ min: 0, max: 100 * 3_600_000 }), { minLength: 1, maxLength: 10 }),
      (each, timezone, endedAt, ages) => {
        const [endedReason] = each.ended_reasons;
        if (endedReason === undefined) throw new Error("a policy without reasons");
        const dialedAt = ages.map((age) => endedAt - age);
        const attempts = dialedAt.length;
        const retryAt = decideRetry(each, { endedReason, endedAt, attempts, dialedAt, timezone });
        if (attempts >= each.max_attempts) {
          expect(retryAt).toBeNull();
          return;
        }
        expect(retryAt).not.toBeNull();
        const dueAt = retryAt ?? 0;
        const gap = each.after_minutes[Math.min(attempts, each.after_minutes.length) - 1] ?? 0;
        expect(dueAt - endedAt).toBeGreaterThanOrEqual(gap * 60_000);
        const day = localDateOf(dueAt, timezone);
        const sameDay = dialedAt.filter((dial) => localDateOf(dial, timezone) === day);
        if (each.max_per_day !== null) expect(sameDay.length).toBeLessThan(each.max_per_day);
      },
    ),
    { numRuns: 2_000 },
  );
});
