// The table of twilio.md §1.3, whole: every code it names, and what an unknown one falls back to.

import { expect, test } from "vitest";

import { CLASS_BY_CODE, classifyAnswer } from "../../../src/carrier/twilio/refusal-class.ts";

// Written down a second time on purpose: a line moved by accident in one of the two shows here.
const TABLE: readonly [string, readonly number[]][] = [
  ["throttled", [20429]],
  ["carrier_full", [22005, 10004]],
  ["unknown", [20500, 20503]],
  ["recipient_invalid", [21211, 21217, 21202, 21214]],
  ["recipient_not_permitted", [21215, 21203, 13227, 21216]],
  ["from_number", [21210, 21212, 21213]],
  ["account", [20003, 20005, 10001, 20006, 20403, 20010, 20404, 20008, 10002]],
  ["trial_limit", [21219, 573005]],
  ["configuration", [20001, 20422, 20004, 21201, 21205, 21206, 21208, 21209, 21218, 21234, 32018]],
];
const ROWS = TABLE.flatMap(([answerClass, codes]) =>
  codes.map((code) => [code, answerClass] as const),
);

test.each(ROWS)("code %i is %s, whatever the status", (code, answerClass) => {
  for (const status of [400, 401, 403, 404, 429, 500, 503]) {
    expect(classifyAnswer(status, code)).toBe(answerClass);
  }
});

test("no code is classified that the table does not name", () => {
  expect(new Set(CLASS_BY_CODE.keys())).toEqual(new Set(ROWS.map(([code]) => code)));
});

test.each([
  [400, "configuration"],
  [404, "configuration"],
  [422, "configuration"],
  [307, "configuration"],
  [401, "account"],
  [403, "account"],
  [429, "throttled"],
  [303, "unknown"],
  [408, "unknown"],
  [500, "unknown"],
  [502, "unknown"],
  [503, "unknown"],
  [504, "unknown"],
  [102, "unknown"],
])("status %i with no code, or one never seen, is %s", (status, answerClass) => {
  expect(classifyAnswer(status, null)).toBe(answerClass);
  expect(classifyAnswer(status, 99_999)).toBe(answerClass);
});
