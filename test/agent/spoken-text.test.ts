// What a voice is given of a model's text: no markdown, no tags, the same however the text was
// split.

import fc from "fast-check";
import { expect, test } from "vitest";
import { filterToken, flushFilter, FRESH_FILTER } from "../../src/agent/spoken-text.ts";
import type { SpokenTag } from "../../src/agent/spoken-text.ts";

function speak(...tokens: readonly string[]): { text: string; tags: readonly SpokenTag[] } {
  let filter = FRESH_FILTER;
  let text = "";
  const tags: SpokenTag[] = [];
  for (const token of tokens) {
    const filtered = filterToken(filter, token);
    filter = filtered.filter;
    text += filtered.text;
    tags.push(...filtered.tags);
  }
  const last = flushFilter(filter);
  return { text: text + last.text, tags: [...tags, ...last.tags] };
}

test.each([
  ["plain words stay, with their spaces", "Hello there. How are you?", "Hello there. How are you?"],
  [
    "emphasis goes",
    "This is **very** _important_ and `fixed`.",
    "This is very important and fixed.",
  ],
  ["names with underscores stay", "Write to ann_lee at home.", "Write to ann_lee at home."],
  ["a star between spaces stays", "Press 5 * 3 now.", "Press 5 * 3 now."],
  [
    "headings and list marks go",
    "# Plan\n- one\n* two\n+ three\n> four",
    "Plan one two three four",
  ],
  ["numbers that look like list marks stay", "-5 degrees, +44 20", "-5 degrees, +44 20"],
  ["ruled lines go", "Above\n---\nbelow", "Above below"],
  ["line breaks become one space", "One.\n\n\r\n  Two.", "One. Two."],
  ["a link is its label", "See [our page](https://example.com/a) please.", "See our page please."],
  ["other brackets stay", "The [first] one [second (half)", "The [first] one [second (half)"],
])("%s", (_name, text, spoken) => {
  expect(speak(text).text).toBe(spoken);
});

test("tags are taken out and told, wherever they are and however they are written", () => {
  expect(speak("Goodbye! [END_CALL]")).toEqual({ text: "Goodbye! ", tags: ["end_call"] });
  expect(speak("[end_call] Bye")).toEqual({ text: "Bye", tags: ["end_call"] });
  expect(speak("[VOICEMAIL]")).toEqual({ text: "", tags: ["voicemail"] });
});

test("a reply that was cut short inside a tag does not speak the piece", () => {
  expect(speak("Goodbye. [END_CA")).toEqual({ text: "Goodbye. ", tags: [] });
  expect(speak("In brackets [", "yes")).toEqual({ text: "In brackets [yes", tags: [] });
});

test("words are spoken as they come: nothing but marks is held back", () => {
  const first = filterToken(FRESH_FILTER, "Your visit is");
  expect(first.text).toBe("Your visit is");
  const bracket = filterToken(first.filter, " tomorrow [");
  expect(bracket.text).toBe(" tomorrow ");
});

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      "word",
      " ",
      "\n",
      "*",
      "**",
      "_",
      "__",
      "`",
      "#",
      "- ",
      "[",
      "]",
      "(",
      ")",
      "[END_CALL]",
      "[VOICEMAIL]",
      "[a](b)",
      "5",
      ".",
      "\u{1f600}",
      "> ",
      "*".repeat(25),
    ),
    fc.string({ maxLength: 3 }),
  ),
  { maxLength: 40 },
);

test("what is spoken does not depend on how the text was split into tokens", () => {
  fc.assert(
    fc.property(
      pieces,
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      (parts, sizes) => {
        const whole = parts.join("");
        const tokens: string[] = [];
        for (let at = 0, count = 0; at < whole.length; count += 1) {
          const size = sizes[count % sizes.length] ?? 1;
          tokens.push(whole.slice(at, at + size));
          at += size;
        }
        expect(speak(...tokens)).toEqual(speak(whole));
        expect(speak(whole).text).not.toMatch(/\[(END_CALL|VOICEMAIL)\]/);
      },
    ),
    { numRuns: 1_000 },
  );
});
