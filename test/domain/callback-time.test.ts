// When somebody may be called again, from their own words to an instant.

import { expect, test } from "vitest";
import { decideCallback, type CallbackRules } from "../../src/domain/callback-time.ts";

const NOW = Date.UTC(2026, 9, 23, 10, 0);
const rules: CallbackRules = {
  timezone: "Europe/London",
  window: { startMinutes: 540, endMinutes: 1_020, days: ["mon", "tue", "wed", "thu", "fri"] },
  expiresAt: Date.UTC(2026, 10, 20),
  askedBefore: 0,
};

test("a local time inside the window is an instant, on either side of a clock change", () => {
  expect(decideCallback("2026-10-23T14:30", rules, NOW)).toEqual({
    kind: "accepted",
    at: Date.UTC(2026, 9, 23, 13, 30),
  });
  expect(decideCallback(" 2026-10-26 14:30:00 ", rules, NOW)).toEqual({
    kind: "accepted",
    at: Date.UTC(2026, 9, 26, 14, 30),
  });
});

test.each([
  ["tomorrow at ten", "must be written like"],
  ["", "must be written like"],
  ["2026-02-30T10:00", "must be written like"],
  ["2026-10-23T10:59", "in the past"],
  ["2026-10-24T12:00", "time of the day or week"],
  ["2026-10-26T17:00", "time of the day or week"],
  ["2026-11-23T12:00", "no calls are made any more"],
  ["2027-03-01T12:00", "too far ahead"],
])("%s is refused because it %s", (when, reason) => {
  const decision = decideCallback(when, rules, NOW);
  expect(decision.kind === "refused" ? decision.reason : "accepted").toContain(reason);
});

test("who was called back five times is not called back again", () => {
  const decide = (askedBefore: number) =>
    decideCallback("2026-10-23T14:30", { ...rules, askedBefore }, NOW);
  expect(decide(4).kind).toBe("accepted");
  expect(decide(5)).toEqual({ kind: "refused", reason: "they have been called back too often" });
});

test("without a window any time will do", () => {
  const free = { ...rules, window: null, expiresAt: null };
  expect(decideCallback("2026-10-25T03:00", free, NOW).kind).toBe("accepted");
});
