// Openings common to several zones: examples, and the intersection against membership in each zone.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isInsideWindow, WEEKDAYS, type CallingWindow } from "../../src/domain/calling-window.ts";
import {
  isInsideEvery,
  nextCommonOpening,
  nextCommonOpenings,
} from "../../src/domain/opening-in-all-zones.ts";
import { startOfLocalDay } from "../../src/domain/time-zone.ts";

const NINE_TO_SIX: CallingWindow = {
  startMinutes: 540,
  endMinutes: 1080,
  days: ["mon", "tue", "wed", "thu", "fri"],
};

function openings(
  window: CallingWindow | null,
  zones: readonly string[],
  from: string,
  date: string | null,
  count: number,
) {
  return nextCommonOpenings(window, zones, Date.parse(from), date, count).map((opening) => [
    new Date(opening.opensAt).toISOString(),
    Number.isFinite(opening.closesAt) ? new Date(opening.closesAt).toISOString() : "never",
  ]);
}

describe("examples", () => {
  test("the two halves of Florida share eight hours", () => {
    const zones = ["America/Chicago", "America/New_York"];
    expect(openings(NINE_TO_SIX, zones, "2026-06-12T23:00:00Z", null, 2)).toEqual([
      ["2026-06-15T14:00:00.000Z", "2026-06-15T22:00:00.000Z"],
      ["2026-06-16T14:00:00.000Z", "2026-06-16T22:00:00.000Z"],
    ]);
  });

  test("zones too far apart have none, and neither has no zone", () => {
    const zones = ["Europe/Kaliningrad", "Asia/Kamchatka"];
    const at = Date.UTC(2026, 5, 15);
    expect(nextCommonOpening(NINE_TO_SIX, zones, at, null)).toBeNull();
    expect(nextCommonOpening(NINE_TO_SIX, [], at, null)).toBeNull();
    expect(nextCommonOpening(null, [], at, null)).toBeNull();
    expect(isInsideEvery(null, [], at)).toBe(false);
  });

  test("one zone is that zone's openings", () => {
    expect(openings(NINE_TO_SIX, ["Europe/London"], "2026-06-12T18:00:00Z", null, 1)).toEqual([
      ["2026-06-15T08:00:00.000Z", "2026-06-15T17:00:00.000Z"],
    ]);
  });

  test("a scheduled day is each zone's own: the overnight tail of the day before does not count", () => {
    const overnight: CallingWindow = { startMinutes: 1080, endMinutes: 120, days: [...WEEKDAYS] };
    const zones = ["America/Chicago", "America/New_York"];
    expect(openings(overnight, zones, "2026-06-14T12:00:00Z", "2026-06-15", 1)).toEqual([
      ["2026-06-15T23:00:00.000Z", "2026-06-16T06:00:00.000Z"],
    ]);
  });

  test("without a window it opens when the day has begun in the last zone", () => {
    const zones = ["America/New_York", "America/Los_Angeles"];
    expect(openings(null, zones, "2026-06-01T00:00:00Z", "2026-06-15", 3)).toEqual([
      ["2026-06-15T07:00:00.000Z", "never"],
    ]);
  });

  test("a common opening may be that of different weekdays", () => {
    const zones = ["Pacific/Honolulu", "Pacific/Kiritimati"];
    // The two are 24 hours apart: the same hours, a day later.
    expect(openings(NINE_TO_SIX, zones, "2026-06-13T00:00:00Z", null, 1)).toEqual([
      ["2026-06-15T19:00:00.000Z", "2026-06-16T04:00:00.000Z"],
    ]);
  });
});

const windowArbitrary = fc
  .record({
    startMinutes: fc.integer({ min: 0, max: 1439 }),
    endMinutes: fc.integer({ min: 1, max: 1440 }),
    days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
  })
  .filter((window) => window.startMinutes !== window.endMinutes);

const zonesArbitrary = fc.uniqueArray(fc.constantFrom(...Intl.supportedValuesOf("timeZone")), {
  minLength: 1,
  maxLength: 4,
});

const QUARTER_HOUR_MS = 900_000;
const DAY_MS = 86_400_000;

describe("properties", () => {
  test("it is the first time that is inside in every zone, and ends with the first that is not", () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        zonesArbitrary,
        fc.integer({ min: Date.UTC(1971, 0), max: Date.UTC(2037, 0) }),
        (window, zones, from) => {
          const isInside = (at: number): boolean =>
            zones.every((zone) => isInsideWindow(window, zone, at));
          const opening = nextCommonOpening(window, zones, from, null);
          expect(isInsideEvery(window, zones, from)).toBe(isInside(from));
          const foundAt = opening?.opensAt ?? from + 30 * DAY_MS;
          // Nothing inside is skipped; twelve days show every weekday.
          const lastAt = Math.min(foundAt, from + 12 * DAY_MS);
          for (let at = from; at < lastAt; at += QUARTER_HOUR_MS) {
            if (isInside(at)) expect(new Date(at).toISOString()).toBe("outside");
          }
          if (opening === null || opening.closesAt === Number.POSITIVE_INFINITY) return;
          expect(opening.closesAt).toBeGreaterThan(from);
          expect(isInside(opening.opensAt)).toBe(true);
          expect(isInside(opening.closesAt - 1)).toBe(true);
          expect(isInside(opening.closesAt)).toBe(false);
          if (opening.opensAt > from) expect(isInside(opening.opensAt - 1)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("the next ones are ordered and never touch, and none is before a zone's scheduled day", () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        zonesArbitrary,
        fc.integer({ min: Date.UTC(1971, 0), max: Date.UTC(2037, 0) }),
        fc.integer({ min: -3, max: 40 }),
        (window, zones, from, days) => {
          const date = new Date(from + days * DAY_MS).toISOString().slice(0, 10);
          const found = nextCommonOpenings(window, zones, from, date, 5);
          for (const [index, opening] of found.entries()) {
            const isStarted = zones.every((it) => opening.opensAt >= startOfLocalDay(date, it));
            expect(isStarted).toBe(true);
            expect(opening.opensAt).toBeLessThan(opening.closesAt);
            const previous = found[index - 1];
            if (previous !== undefined) {
              expect(opening.opensAt).toBeGreaterThan(previous.closesAt);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
