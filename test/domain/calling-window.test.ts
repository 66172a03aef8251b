// Calling windows: examples from the contract, and the interval arithmetic against plain wall-clock
// membership.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isInsideWindow,
  nextOpening,
  nextOpenings,
  parseCallingWindow,
  WEEKDAYS,
  type CallingWindow,
} from "../../src/domain/calling-window.ts";
import { resolveTimeZone, startOfLocalDay } from "../../src/domain/time-zone.ts";

const WEEKDAYS_9_TO_6: CallingWindow = {
  startMinutes: 540,
  endMinutes: 1080,
  days: ["mon", "tue", "wed", "thu", "fri"],
};

function iso(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString() : "never";
}

function openings(window: CallingWindow | null, zone: string, from: string, count: number) {
  return nextOpenings(window, zone, Date.parse(from), null, count).map((opening) => [
    iso(opening.opensAt),
    iso(opening.closesAt),
  ]);
}

describe("examples", () => {
  test("weekdays nine to six in London, over a weekend and a clock change", () => {
    expect(openings(WEEKDAYS_9_TO_6, "Europe/London", "2026-10-23T18:00:00Z", 2)).toEqual([
      ["2026-10-26T09:00:00.000Z", "2026-10-26T18:00:00.000Z"],
      ["2026-10-27T09:00:00.000Z", "2026-10-27T18:00:00.000Z"],
    ]);
  });

  test("an overnight window belongs to the day it opens on", () => {
    const friday: CallingWindow = { startMinutes: 1080, endMinutes: 120, days: ["fri"] };
    expect(openings(friday, "Europe/London", "2026-01-03T01:00:00Z", 2)).toEqual([
      ["2026-01-02T18:00:00.000Z", "2026-01-03T02:00:00.000Z"],
      ["2026-01-09T18:00:00.000Z", "2026-01-10T02:00:00.000Z"],
    ]);
  });

  test("an opening minute that does not exist opens at the next one that does", () => {
    const night: CallingWindow = { startMinutes: 90, endMinutes: 240, days: ["sun"] };
    expect(openings(night, "Europe/London", "2026-03-28T12:00:00Z", 1)).toEqual([
      ["2026-03-29T01:00:00.000Z", "2026-03-29T03:00:00.000Z"],
    ]);
  });

  test("a repeated hour is inside both times", () => {
    const early: CallingWindow = { startMinutes: 60, endMinutes: 90, days: ["sun"] };
    expect(openings(early, "Europe/London", "2026-10-24T12:00:00Z", 2)).toEqual([
      ["2026-10-25T00:00:00.000Z", "2026-10-25T00:30:00.000Z"],
      ["2026-10-25T01:00:00.000Z", "2026-10-25T01:30:00.000Z"],
    ]);
  });

  test("a scheduled day excludes the tail of the evening before", () => {
    const overnight: CallingWindow = { startMinutes: 1080, endMinutes: 120, days: [...WEEKDAYS] };
    const day = startOfLocalDay("2026-06-15", "Europe/London");
    expect(iso(nextOpening(overnight, "Europe/London", day, day).opensAt)).toBe(
      "2026-06-15T17:00:00.000Z",
    );
  });

  test("whole days of a whole week never close, and no window opens at once", () => {
    const always: CallingWindow = { startMinutes: 0, endMinutes: 1440, days: [...WEEKDAYS] };
    expect(nextOpening(always, "Asia/Kathmandu", 0, null).closesAt).toBe(Number.POSITIVE_INFINITY);
    expect(nextOpening(null, "Asia/Kathmandu", 5, null)).toEqual({
      opensAt: 5,
      closesAt: Number.POSITIVE_INFINITY,
    });
  });

  test("an opening that spans a dropped day is one, however long", () => {
    const notFriday: CallingWindow = {
      startMinutes: 0,
      endMinutes: 1440,
      days: WEEKDAYS.filter((day) => day !== "fri"),
    };
    expect(openings(notFriday, "Pacific/Apia", "2011-12-24T10:00:00Z", 1)).toEqual([
      ["2011-12-24T10:00:00.000Z", "2012-01-05T10:00:00.000Z"],
    ]);
  });

  test("two days that interleave where a clock is set back over midnight are one opening", () => {
    const weekend: CallingWindow = { startMinutes: 1380, endMinutes: 1, days: ["sat", "sun"] };
    const whole: CallingWindow = { startMinutes: 0, endMinutes: 1440, days: ["sat", "sun"] };
    // 00:01 became 23:01 of the day before.
    expect(openings(whole, "America/St_Johns", "2008-11-01T12:00:00Z", 1)[0]?.[1]).toBe(
      "2008-11-03T03:30:00.000Z",
    );
    expect(openings(weekend, "America/St_Johns", "2008-11-02T01:00:00Z", 1)).toEqual([
      ["2008-11-02T01:30:00.000Z", "2008-11-02T03:31:00.000Z"],
    ]);
  });

  test("a dropped day opens nowhere", () => {
    const friday: CallingWindow = { startMinutes: 540, endMinutes: 600, days: ["fri"] };
    expect(openings(friday, "Pacific/Apia", "2011-12-29T12:00:00Z", 1)[0]?.[0]).toBe(
      "2012-01-05T19:00:00.000Z",
    );
  });
});

describe("fields", () => {
  const cases: readonly [string, object, string][] = [
    ["only a start", { window_start_minutes: 5 }, "window_end_minutes"],
    ["only an end", { window_end_minutes: 5 }, "window_start_minutes"],
    [
      "start too large",
      { window_start_minutes: 1440, window_end_minutes: 5 },
      "window_start_minutes",
    ],
    ["end too large", { window_start_minutes: 0, window_end_minutes: 1441 }, "window_end_minutes"],
    ["end zero", { window_start_minutes: 5, window_end_minutes: 0 }, "window_end_minutes"],
    ["equal", { window_start_minutes: 5, window_end_minutes: 5 }, "window_end_minutes"],
    ["a fraction", { window_start_minutes: 5.5, window_end_minutes: 9 }, "window_start_minutes"],
    ["no days", { window_days: [] }, "window_days"],
    ["an unknown day", { window_days: ["monday"] }, "window_days"],
  ];
  test.each(cases)("%s is refused", (_name, fields, field) => {
    expect(parseCallingWindow(fields)).toMatchObject({ kind: "invalid", field });
  });

  test("days alone are whole days, minutes alone are every day, nothing is no window", () => {
    expect(parseCallingWindow({ window_days: ["sun", "mon"] })).toEqual({
      kind: "valid",
      window: { startMinutes: 0, endMinutes: 1440, days: ["mon", "sun"] },
    });
    expect(parseCallingWindow({ window_start_minutes: 1, window_end_minutes: 2 })).toMatchObject({
      window: { days: WEEKDAYS },
    });
    expect(parseCallingWindow({})).toEqual({ kind: "valid", window: null });
  });

  test("zones: aliases are accepted, offsets and inventions are not", () => {
    expect(resolveTimeZone("Asia/Calcutta")).toBe("Asia/Calcutta");
    expect(resolveTimeZone("europe/london")).toBe("Europe/London");
    for (const text of ["+01:00", "Mars/Olympus", "", "Europe/London ", "GMT+25"]) {
      expect(resolveTimeZone(text), text).toBeNull();
    }
  });
});

const ZONES = Intl.supportedValuesOf("timeZone");

const windowArbitrary = fc
  .record({
    startMinutes: fc.oneof(
      fc.integer({ min: 0, max: 1439 }),
      fc.constantFrom(0, 60, 90, 120, 150, 1439),
    ),
    endMinutes: fc.oneof(fc.integer({ min: 1, max: 1440 }), fc.constantFrom(1, 60, 120, 180, 1440)),
    days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
  })
  .filter((window) => window.startMinutes !== window.endMinutes);

describe("properties", () => {
  test("inside an opening is inside the window, and just before and after it is not", () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        fc.constantFrom(...ZONES),
        fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2037, 0) }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (window, zone, from, fraction) => {
          const opening = nextOpening(window, zone, from, null);
          if (opening.closesAt === Number.POSITIVE_INFINITY) return;
          expect(opening.closesAt).toBeGreaterThan(from);
          const within =
            opening.opensAt + Math.floor((opening.closesAt - opening.opensAt) * fraction);
          expect(isInsideWindow(window, zone, within)).toBe(true);
          expect(isInsideWindow(window, zone, opening.opensAt)).toBe(true);
          expect(isInsideWindow(window, zone, opening.closesAt - 1)).toBe(true);
          expect(isInsideWindow(window, zone, opening.closesAt)).toBe(false);
          // Between `from` and the opening nothing is inside.
          if (opening.opensAt > from) {
            expect(isInsideWindow(window, zone, opening.opensAt - 1)).toBe(false);
            const before = from + Math.floor((opening.opensAt - from) * fraction);
            expect(isInsideWindow(window, zone, before)).toBe(false);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("the next openings are ordered, and something closes between them", () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        fc.constantFrom(...ZONES),
        fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(2037, 0) }),
        fc.integer({ min: -3, max: 20 }),
        fc.boolean(),
        (window, zone, from, days, isScheduled) => {
          const opensFrom = isScheduled ? from + days * 86_400_000 : null;
          const found = nextOpenings(window, zone, from, opensFrom, 8);
          for (const [index, opening] of found.entries()) {
            expect(opening.opensAt).toBeLessThan(opening.closesAt);
            const next = found[index + 1];
            if (next === undefined) continue;
            expect(next.opensAt).toBeGreaterThan(opening.closesAt);
            expect(nextOpening(window, zone, next.opensAt - 1, opensFrom)).toEqual(next);
          }
          if (found.at(-1)?.closesAt !== Number.POSITIVE_INFINITY) expect(found).toHaveLength(8);
        },
      ),
      { numRuns: 500 },
    );
  });
});
