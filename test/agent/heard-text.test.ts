// How much was heard, from whatever evidence there is.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { HeardEvidence } from "../../src/agent/heard-text.ts";
import { advancePlayed, decideHeardCharacters, spokenIn } from "../../src/agent/heard-text.ts";

const NOTHING: HeardEvidence = { playedCharacters: 0, heardText: "", durationMs: null };

function heard(text: string, evidence: Partial<HeardEvidence>) {
  return text.slice(0, decideHeardCharacters(text, { ...NOTHING, ...evidence }));
}

test("an exact prefix is taken as it is", () => {
  expect(heard("Life is a journey.", { heardText: "Life is a" })).toBe("Life is a");
  expect(heard("  Life is a journey.", { heardText: "Life is " })).toBe("  Life is");
});

test("a normalised text is matched word by word, up to where it differs", () => {
  const sent = "Your visit is at 10 o'clock, on Monday.";
  expect(heard(sent, { heardText: "your visit is at ten oclock" })).toBe(
    "Your visit is at 10 o'clock",
  );
  expect(heard(sent, { heardText: "Your  visit, is at  te" })).toBe("Your visit is at");
  expect(heard(sent, { heardText: "your vis" })).toBe("Your vis");
});

test("a text that matches nothing leaves the duration, at 14 characters a second", () => {
  expect(heard("abcdefghijklmnopqrstuvwxyz", { heardText: "¿qué?", durationMs: 500 })).toBe(
    "abcdefg",
  );
  expect(heard("abcdefg", { durationMs: 60_000 })).toBe("abcdefg");
  expect(heard("abcdefg", {})).toBe("");
});

test("what was reported as played overrides the rest", () => {
  const evidence = { playedCharacters: 5, heardText: "Hello there my", durationMs: 900 };
  expect(heard("Hello there my friend", evidence)).toBe("Hello");
});

test("played clauses advance through the text, whatever their spaces and case", () => {
  const text = "Good morning.  Your visit is at 10:30. Fine?";
  const first = advancePlayed(text, 0, "good morning.");
  expect(text.slice(0, first)).toBe("Good morning.");
  const second = advancePlayed(text, first, "Your visit is at ten thirty.");
  expect(second).toBeGreaterThan(first + 20);
  expect(text.slice(0, advancePlayed(text, second, "Fine?"))).toBe(text);
});

test("a report of speech that was dropped moves nothing", () => {
  expect(advancePlayed("Of course.", 0, "is at ten.")).toBe(0);
  expect(advancePlayed("Of course.", 0, " ")).toBe(0);
});

test("no evidence ever claims more than there is, or half a character", () => {
  const evidence = fc.record({
    playedCharacters: fc.constant(0),
    heardText: fc.string({ unit: "binary" }),
    durationMs: fc.option(fc.integer({ min: -1_000, max: 100_000 })),
  });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), evidence, (text, given) => {
      const count = decideHeardCharacters(text, given);
      expect(count).toBeGreaterThanOrEqual(0);
      expect(count).toBeLessThanOrEqual(text.length);
      expect(spokenIn(text, given.durationMs ?? 0)).toBeLessThanOrEqual(text.length);
      if (text.isWellFormed() && given.heardText === "") {
        expect(text.slice(0, count).isWellFormed()).toBe(true);
      }
    }),
  );
});
