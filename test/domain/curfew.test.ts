// The operator's curfew: its form, and until when it holds a phone back.

import { expect, test } from "vitest";
import { curfewUntil, parseCurfew } from "../../src/domain/curfew.ts";
import type { E164 } from "../../src/domain/phone.ts";

const NIGHT = parseCurfew("21:00-08:00");
const NEW_YORK = "+12125550101" as E164;
// In two zones, an hour apart.
const FLORIDA = "+18505550102" as E164;

test.each(["21:00", "21-8", "24:00-08:00", "08:00-08:00", "21:60-08:00", ""])(
  "%j is no curfew",
  (text) => {
    expect(parseCurfew(text)).toBeNull();
  },
);

test("what is allowed is the rest of the day", () => {
  expect(NIGHT).toMatchObject({ startMinutes: 480, endMinutes: 1260 });
  expect(parseCurfew("00:00-08:00")).toMatchObject({ startMinutes: 480, endMinutes: 1440 });
  expect(parseCurfew("12:00-14:00")).toMatchObject({ startMinutes: 840, endMinutes: 720 });
});

test.each<[string, E164, readonly string[] | null, string, string | null]>([
  ["by day", NEW_YORK, null, "2030-06-12T16:00:00Z", null],
  ["before eight", NEW_YORK, null, "2030-06-12T11:59:59Z", "2030-06-12T12:00:00Z"],
  ["at eight", NEW_YORK, null, "2030-06-12T12:00:00Z", null],
  ["a second before nine", NEW_YORK, null, "2030-06-13T00:59:59Z", "2030-06-13T12:00:00Z"],
  ["eight in one zone only", FLORIDA, null, "2030-06-12T12:00:00Z", "2030-06-12T13:00:00Z"],
  [
    "the recipient's own zone",
    NEW_YORK,
    ["Asia/Tokyo"],
    "2030-06-12T16:00:00Z",
    "2030-06-12T23:00:00Z",
  ],
  ["no zone known", NEW_YORK, [], "2030-06-12T16:00:00Z", "2030-06-13T16:00:00Z"],
])("%s", (_, phone, ownZones, at, expected) => {
  if (NIGHT === null) throw new Error("a curfew that is not read");
  const now = Date.parse(at);
  const until = curfewUntil(NIGHT, { phone, ownZones, now, until: now + 1_100 });
  expect(until === null ? null : new Date(until).toISOString().replace(".000", "")).toBe(expected);
});
