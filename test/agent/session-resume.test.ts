// A cut without words: a cough must not leave the person in silence after half a sentence.

import { expect, test } from "vitest";
import { isMurmur } from "../../src/agent/murmurs.ts";
import { lastRequest, spokenBy, Talk } from "./talk.ts";

const REPLY = "Your visit is tomorrow at ten. Does that suit you?";
const COUGH = { kind: "interrupted", heardText: "Your visit is tom", durationMs: 1_200 } as const;

function cutInReply(): Talk {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  talk.reply(REPLY);
  talk.pass(1_500);
  talk.happen(COUGH);
  return talk;
}

test("what a cough cut off is said once more, from the word that was cut", () => {
  const talk = cutInReply();
  expect(spokenBy(talk.pass(900))).toEqual([]);
  expect(spokenBy(talk.pass(200))).toEqual(["tomorrow at ten. Does that suit you?"]);
  talk.pass(4_000);
  talk.say("Yes, that suits me.");
  expect(lastRequest(talk.effects).slice(3)).toEqual([
    "user: Yes?",
    "assistant: Your visit is tom— tomorrow at ten. Does that suit you?",
    "user: Yes, that suits me.",
  ]);
});

test("a second cough is not answered with the same words again; after words it is", () => {
  const talk = cutInReply();
  talk.pass(1_500);
  talk.happen({ kind: "interrupted", heardText: "tomorrow", durationMs: 300 });
  expect(spokenBy(talk.pass(5_000))).toEqual([]);
  talk.say("What?");
  talk.reply(REPLY);
  talk.pass(1_500);
  talk.happen(COUGH);
  expect(spokenBy(talk.pass(1_100))).toEqual(["tomorrow at ten. Does that suit you?"]);
});

test.each([
  ["a partial", { kind: "partial", text: "But I" }],
  ["their words", { kind: "final", text: "But I cannot.", language: null }],
  ["a key", { kind: "dtmf", digit: "1" }],
] as const)("%s after the cut: nothing is said again", (_what, happening) => {
  const talk = cutInReply();
  talk.pass(400);
  talk.happen(happening);
  expect(spokenBy(talk.pass(1_500))).toEqual([]);
});

test("while a voice is heard nothing is said again, only after it went quiet", () => {
  const talk = cutInReply();
  talk.happen({ kind: "clientSpeaking", on: true });
  expect(spokenBy(talk.pass(3_000))).toEqual([]);
  talk.happen({ kind: "clientSpeaking", on: false });
  expect(spokenBy(talk.pass(900))).toEqual([]);
  expect(spokenBy(talk.pass(200))).toEqual(["tomorrow at ten. Does that suit you?"]);
});

test("a reply that was still being made is asked for again, with the reason", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  talk.token("Your visit is tomorrow at ten");
  talk.pass(1_500);
  talk.happen(COUGH);
  talk.pass(1_100);
  expect(talk.state.phase).toBe("thinking");
  expect(lastRequest(talk.effects).at(-1)).toMatch(/^user: \[note: A noise cut you off/);
  expect(spokenBy(talk.reply("It is tomorrow at ten."))).toEqual(["It is tomorrow at ten."]);
});

test("a disclosure that a cough cut is said from its beginning", () => {
  const disclosure = "This is an automated assistant.";
  const talk = new Talk({ disclosure }).connect();
  talk.pass(1_000);
  talk.happen({ kind: "interrupted", heardText: "This is an", durationMs: 700 });
  expect(spokenBy(talk.pass(1_100))).toEqual([`${disclosure} Hello, this is the clinic.`]);
});

test("a murmur in the middle of a reply takes no turn; at its end it may be an answer", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  talk.token("Your visit is ");
  expect(talk.say("Mm-hm.")).toEqual([]);
  talk.token("tomorrow at ten. Does that suit you?");
  talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  expect(talk.transcript.slice(2)).toEqual([`agent: ${REPLY}`]);
  talk.pass(6_000);
  talk.say("Mm-hm.");
  expect(lastRequest(talk.effects).at(-1)).toBe("user: Mm-hm.");
});

test("murmurs are sounds and never words", () => {
  for (const sound of [
    "mhm",
    "Mm-hm.",
    "Mm hm",
    "mmm",
    "Hmm…",
    "uh-huh",
    "Uh-huh, uh-huh.",
    "Aha!",
  ])
    expect(isMurmur(sound), sound).toBe(true);
  for (const word of ["", "yeah", "ok", "him", "mum", "no", "ha", "hm, no", "うん", "Uhr"])
    expect(isMurmur(word), word).toBe(false);
});
