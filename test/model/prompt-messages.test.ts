// Every maker gets instructions first and a talk that begins and ends with the person's turn.

import fc from "fast-check";
import { expect, test } from "vitest";

import { formatPromptMessages } from "../../src/model/prompt-messages.ts";
import type { ModelMessage } from "../../src/ports/model.ts";

const system = (content: string): ModelMessage => ({ role: "system", content });
const user = (content: string): ModelMessage => ({ role: "user", content });
const assistant = (content: string): ModelMessage => ({ role: "assistant", content });

test("leading system messages are the instructions", () => {
  expect(formatPromptMessages([system("A"), system("B"), user("Hi")])).toEqual({
    instructions: "A\n\nB",
    messages: [{ role: "user", content: "Hi" }],
  });
});

test("a note in mid-talk stays where it was, as the person's side", () => {
  const { instructions, messages } = formatPromptMessages([
    system("A"),
    user("Hi"),
    assistant("Hello"),
    system("they pressed 9"),
  ]);
  expect(instructions).toBe("A");
  expect(messages.at(-1)).toEqual({ role: "user", content: "[note: they pressed 9]" });
});

test("an agent that speaks first, and one that speaks again, gets a turn to answer to", () => {
  expect(formatPromptMessages([system("A")]).messages).toHaveLength(1);
  const spoke = formatPromptMessages([system("A"), assistant("Hello, this is Ann.")]).messages;
  expect(spoke.map((message) => message.role)).toEqual(["user", "assistant", "user"]);
});

test("whatever the order, nothing said is lost and no system message is left in the talk", () => {
  const message = fc.record({
    role: fc.constantFrom("system" as const, "user" as const, "assistant" as const),
    content: fc.uuid(),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), (given) => {
      const { instructions, messages } = formatPromptMessages(given);
      const all = instructions + JSON.stringify(messages);
      for (const each of given) expect(all).toContain(each.content);
      expect(messages.map((each) => each.role)).not.toContain("system");
      expect(messages[0]?.role).toBe("user");
      expect(messages.at(-1)?.role).toBe("user");
    }),
  );
});
