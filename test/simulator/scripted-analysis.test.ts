// The pretend model's analysis passes the checks that a real one's has to.

import { expect, test } from "vitest";
import {
  analysisSchema,
  readAnalysis,
  type ExtractionField,
} from "../../src/domain/call-analysis.ts";
import { answerAnalysis } from "../../src/simulator/model/scripted-analysis.ts";

const FIELDS: readonly ExtractionField[] = [
  { type: "text", name: "Wish", description: "" },
  { type: "boolean", name: "Comes", description: "" },
  { type: "number", name: "Guests", description: "" },
  { type: "selector", name: "Day", description: "", choices: ["Monday", "Friday"] },
];
const TURNS = [
  { role: "agent", text: "Can you come?" },
  { role: "caller", text: "Yes, with 3 friends." },
  { role: "caller", text: "Friday is great." },
];

test("it answers from the talk, with words that were said", () => {
  const question = TURNS.map(
    ({ role, text }) => `${role === "agent" ? "Agent" : "Caller"}: ${text}`,
  );
  const answer = answerAnalysis(analysisSchema(FIELDS), question.join("\n"));
  expect(readAnalysis(JSON.stringify(answer), FIELDS, TURNS)).toMatchObject({
    kind: "read",
    analysis: {
      successful: true,
      sentiment: "happy",
      extracted: { Wish: "Yes, with 3 friends.", Comes: true, Guests: 3, Day: "Friday" },
    },
  });
});

test("another schema is none of its business", () => {
  expect(answerAnalysis({ type: "object", properties: { verdict: {} } }, "")).toBeNull();
});
