// The first thing a person is told, and how quick it was.

import { expect, test } from "vitest";
import { disclosureLine } from "../../src/agent/disclosure.ts";
import type { SessionFacts } from "../../src/agent/session-events.ts";
import { planSession } from "../../src/agent/session-state.ts";
import { AGENT, Talk } from "./talk.ts";

const LINE = "This is an automated assistant calling from the clinic.";
const told = { disclosure: LINE, greetingMode: "after_hello" } as const;

function facts(talk: Talk): SessionFacts | undefined {
  return talk.effects.findLast((effect) => effect.kind === "record")?.facts;
}

test("the line names the business and a recording, in the agent's language", () => {
  expect(disclosureLine("en-GB", "Bright Smile Dental.", false)).toBe(
    "This is an automated assistant calling from Bright Smile Dental.",
  );
  expect(disclosureLine("de", " ", true)).toBe(
    "Hier spricht ein automatischer Assistent. Dieses Gespräch wird aufgezeichnet.",
  );
  expect(disclosureLine("multi", null, false)).toBe("This is an automated assistant calling.");
  expect(disclosureLine("en", "A $& B\n\u202e", false)).toContain("calling from A $& B.");
});

test("an agent tells it unless that is switched off; that it records it always tells", () => {
  const opening = {
    preamble: [],
    greeting: "",
    voicemailMessage: "",
    boundary: "edge",
    isRecorded: true,
    callback: null,
  };
  const agent = { ...AGENT, disclosure_enabled: true, business_name: "Acme" };
  expect(planSession(agent, opening).disclosure).toBe(
    "This is an automated assistant calling from Acme. This call is recorded.",
  );
  expect(planSession(AGENT, opening).disclosure).toBe("This call is recorded.");
  expect(planSession(AGENT, { ...opening, isRecorded: false }).disclosure).toBe("");
});

test("told only of a recording, nobody was told that we are automated", () => {
  const only = { disclosure: "This call is recorded.", saysAutomated: false } as const;
  const talk = new Talk({ ...told, ...only }).connect();
  talk.say("Hello?");
  talk.pass(5_000);
  talk.say("Who?");
  talk.reply("The clinic.");
  expect(talk.spoken[0]).toMatch(/^This call is recorded\./);
  expect(facts(talk)?.disclosedAt).toBeNull();
});

test("it is the first thing that is said, in one breath with the greeting", () => {
  const talk = new Talk(told).connect();
  talk.pass(800);
  talk.say("Hello?");
  expect(talk.spoken).toEqual([`${LINE} Hello, this is the clinic.`]);
  talk.pass(6_000);
  talk.say("Yes, speaking.");
  talk.reply("Good.");
  expect(talk.spoken).toHaveLength(2);
  expect(facts(talk)?.disclosedAt).toBe(talk.state.watch.answeredAt + 800);
});

test("where the model opens or answers first, the engine still says it before", () => {
  for (const changes of [{ greeting: "" }, { greetingMode: "person_first" as const }]) {
    const talk = new Talk({ ...told, ...changes }).connect();
    talk.say("Hello?");
    talk.reply("Good morning.");
    expect(talk.spoken).toEqual([LINE, "Good morning."]);
  }
});

test("cut off before it was heard, it is said once more before the next reply", () => {
  const talk = new Talk(told).connect();
  talk.say("Hello?");
  talk.pass(1_000);
  talk.happen({ kind: "interrupted", heardText: "This is an", durationMs: 700 });
  talk.say("What?");
  expect(talk.spoken.at(-1)).toBe(LINE);
  talk.reply("It is about your visit.");
  expect(talk.spoken.slice(1)).toEqual([LINE, "It is about your visit."]);
  talk.pass(1_000);
  talk.happen({ kind: "interrupted", heardText: "This is", durationMs: 700 });
  talk.say("What is it?");
  talk.reply("Your visit.");
  expect(talk.spoken.at(-1)).toBe("Your visit.");
  expect(facts(talk)?.disclosedAt).toBeNull();
});

test("a greeting that is cut off after it was heard needs no second one", () => {
  const talk = new Talk(told).connect();
  talk.say("Hello?");
  talk.pass(5_000);
  talk.happen({ kind: "interrupted", heardText: `${LINE} Hello, this`, durationMs: 4_600 });
  talk.say("Who?");
  talk.reply("The clinic.");
  expect(talk.spoken).toEqual([`${LINE} Hello, this is the clinic.`, "The clinic."]);
});

test("the first word is measured from the answer, to the sound where that is reported", () => {
  const talk = new Talk(told);
  talk.connect(talk.now - 500);
  talk.pass(700);
  talk.say("Hello?");
  talk.say("Yes?");
  talk.reply("Good.");
  expect(facts(talk)?.answerToFirstWordMs).toBe(1_200);
  talk.pass(320);
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.pass(900);
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.happen({ kind: "closed", how: "hung_up" });
  expect(facts(talk)?.answerToFirstWordMs).toBe(1_520);
});

test("each turn tells the model's time from ours, its tokens and whether it was cut", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("What is it about?");
  talk.pass(400);
  // Held back: it may be the beginning of a tag.
  talk.token("[");
  talk.pass(50);
  talk.token("hm] Your visit tomorrow morning.");
  const { turnId } = talk.state;
  talk.happen({ kind: "modelDone", turnId, inputTokens: 900, outputTokens: 12 });
  talk.pass(1_000);
  talk.happen({ kind: "interrupted", heardText: "", durationMs: 600 });
  talk.happen({ kind: "closed", how: "hung_up" });
  expect(facts(talk)?.turns).toEqual([
    {
      turnId,
      askedAt: talk.state.watch.answeredAt + 3_000,
      modelMs: 400,
      overheadMs: 50,
      inputTokens: 900,
      outputTokens: 12,
      isInterrupted: true,
    },
  ]);
});
