// How conversations end: when, with what last words, and for which one cause.

import { expect, test } from "vitest";
import { lastRequest, Talk } from "./talk.ts";

test("end_call waits until the goodbye has been played, then ends the call as completed", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Thanks, that is all.");
  talk.token("Goodbye, and take care.");
  talk.happen({ kind: "modelToolCall", turnId: talk.state.turnId, name: "end_call", input: {} });
  talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  talk.pass(500);
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.pass(2_000);
  expect(talk.endCause).toBeNull();
  talk.happen({ kind: "agentSpeaking", on: false });
  expect(talk.pass(300).map((effect) => effect.kind)).toEqual([
    "clearTimer",
    "clearTimer",
    "record",
    "end",
  ]);
  expect(talk.endCause).toBe("completed");
  expect(talk.transcript.at(-1)).toBe("agent: Goodbye, and take care.");
});

test("without reports of playback the end comes by estimate, and never later than the cap", () => {
  const ends = ["Goodbye.", "word ".repeat(100)].map((line) => {
    const talk = new Talk().connect();
    talk.pass(3_000);
    talk.say("Bye.");
    talk.token(line);
    talk.happen({ kind: "modelToolCall", turnId: talk.state.turnId, name: "end_call", input: {} });
    talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
    const from = talk.now;
    while (talk.endCause === null) talk.pass(10);
    return talk.now - from;
  });
  // 8 characters at 14 a second, 350 ms until it sounds, 1.5 s to be sure.
  expect(ends[0]).toBeGreaterThanOrEqual(571 + 350 + 1_500);
  expect(ends[0]).toBeLessThanOrEqual(571 + 350 + 1_500 + 10);
  expect(ends[1]).toBe(12_000);
});

test("a voice that goes quiet between two clauses does not end the call early", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Bye.");
  talk.token("Thank you very much for your time. ");
  talk.pass(400);
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.pass(2_500);
  talk.reply("Goodbye. [END_CALL]");
  talk.pass(50);
  talk.happen({ kind: "agentSpeaking", on: false });
  talk.pass(400);
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.pass(600);
  expect(talk.endCause).toBeNull();
  talk.happen({ kind: "agentSpeaking", on: false });
  talk.pass(300);
  expect(talk.endCause).toBe("completed");
});

test("played clauses end the call as soon as the last one was heard", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Bye.");
  talk.reply("Thank you. Goodbye. [END_CALL]");
  talk.happen({ kind: "played", text: "Thank you." });
  talk.pass(400);
  expect(talk.endCause).toBeNull();
  talk.happen({ kind: "played", text: "Goodbye." });
  talk.pass(300);
  expect(talk.endCause).toBe("completed");
});

test("speech over the closing line calls the end off once, and only once", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Fine.");
  talk.reply("Goodbye then. [END_CALL]");
  talk.pass(800);
  talk.happen({ kind: "interrupted", heardText: "Goodbye", durationMs: 500 });
  talk.pass(1_500);
  talk.say("Wait, one more thing!");
  expect(talk.endCause).toBeNull();
  talk.reply("Of course. And now goodbye. [END_CALL]");
  talk.pass(800);
  expect(talk.say("And another!").some((effect) => effect.kind === "startModel")).toBe(false);
  talk.pass(12_000);
  expect(talk.endCause).toBe("completed");
  expect(talk.transcript).toEqual([
    "agent: Hello, this is the clinic.",
    "callee: Fine.",
    "agent: Goodbye…",
    "callee: Wait, one more thing!",
    "agent: Of course. And now goodbye.",
    "callee: And another!",
  ]);
});

test("an interruption of the closing line without words ends the call after a moment", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Fine.");
  talk.reply("Goodbye then. [END_CALL]");
  talk.pass(800);
  talk.happen({ kind: "interrupted", heardText: "Goodbye", durationMs: 500 });
  talk.pass(2_900);
  expect(talk.endCause).toBeNull();
  talk.pass(100);
  expect(talk.endCause).toBe("completed");
});

test("an agent that may not hang up is offered no tool, and its tag is only taken out", () => {
  const talk = new Talk({ mayEndCall: false, tools: [] }).connect();
  talk.pass(3_000);
  talk.say("Fine.");
  talk.happen({ kind: "modelToolCall", turnId: talk.state.turnId, name: "end_call", input: {} });
  talk.reply("Goodbye. [END_CALL]");
  expect(talk.spoken.at(-1)).toBe("Goodbye. ");
  expect(talk.state.phase).toBe("listening");
});

test("a tool call without a word gets a goodbye of the engine", () => {
  const talk = new Talk({ language: "de" }).connect();
  talk.pass(3_000);
  talk.say("Tschüss.");
  talk.happen({ kind: "modelToolCall", turnId: talk.state.turnId, name: "end_call", input: {} });
  talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  expect(talk.spoken.at(-1)).toBe("Vielen Dank für Ihre Zeit. Auf Wiederhören.");
  talk.pass(12_000);
  expect(talk.endCause).toBe("completed");
});

test("a voicemail tag ends the call silently, also when split over tokens", () => {
  const talk = new Talk({ greetingMode: "person_first" }).connect();
  talk.say("Hello, it is me.");
  talk.token("[VOI");
  expect(talk.spoken).toEqual([]);
  expect(talk.token("CEMAIL]").at(-1)).toEqual({ kind: "end", cause: "voicemail_detected" });
  expect(talk.spoken).toEqual([]);
});

test("a voicemail tag late in a call is no verdict", () => {
  const talk = new Talk().connect();
  for (let turn = 0; turn < 20; turn += 1) {
    talk.pass(9_500);
    talk.say("Go on.");
    talk.reply("Yes.");
  }
  talk.say("So?");
  talk.reply("[VOICEMAIL] Hello.");
  expect(talk.endCause).toBeNull();
  expect(talk.spoken.at(-1)).toBe("Hello.");
});

test("the carrier's verdict of a machine ends the call while nothing was heard that speaks against it", () => {
  const talk = new Talk().connect();
  talk.pass(1_000);
  talk.happen({ kind: "amdVerdict", answeredBy: "machine" });
  expect(talk.endCause).toBe("voicemail_detected");
  // 650 ms of audio, at 14 characters a second.
  expect(talk.transcript).toEqual(["agent: Hello, th…"]);
});

test("silence: one question, then a goodbye and silence_timeout after the agent's limit", () => {
  const talk = new Talk({ silenceHangupMs: 30_000, greeting: "Hi." }).connect();
  const greetingMs = 350 + (3 / 14) * 1_000;
  talk.pass(greetingMs + 9_900);
  expect(talk.spoken).toEqual(["Hi."]);
  talk.pass(200);
  expect(talk.spoken).toEqual(["Hi.", "Are you still there?"]);
  talk.pass(350 + (20 / 14) * 1_000 + 19_800);
  expect(talk.spoken).toHaveLength(2);
  talk.pass(200);
  expect(talk.spoken.at(-1)).toBe("Thank you for your time. Goodbye.");
  talk.pass(12_000);
  expect(talk.endCause).toBe("silence_timeout");
});

test("a person who comes back during the goodbye of a silence is heard", () => {
  const talk = new Talk({ silenceHangupMs: 5_000 }).connect();
  talk.pass(10_600);
  expect(talk.spoken.at(-1)).toBe("Thank you for your time. Goodbye.");
  talk.say("I am here!");
  talk.reply("Good. Shall we go on?");
  talk.pass(2_000);
  expect(talk.endCause).toBeNull();
});

test("the clock of silence stands still while somebody speaks", () => {
  const talk = new Talk().connect();
  talk.pass(5_000);
  talk.happen({ kind: "clientSpeaking", on: true });
  talk.pass(20_000);
  expect(talk.spoken).toHaveLength(1);
  talk.happen({ kind: "clientSpeaking", on: false });
  talk.pass(9_900);
  expect(talk.spoken).toHaveLength(1);
  talk.pass(200);
  expect(talk.spoken).toHaveLength(2);
});

test("a flag that nobody takes back is believed for half a minute only", () => {
  const talk = new Talk().connect();
  talk.happen({ kind: "clientSpeaking", on: true });
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.pass(39_000);
  expect(talk.spoken).toHaveLength(1);
  talk.pass(2_000);
  expect(talk.spoken).toHaveLength(2);
});

test("the longest call: the model is told to say goodbye, then the line is cut", () => {
  const talk = new Talk({ maxCallDurationMs: 60_000, silenceHangupMs: 45_000 }).connect();
  talk.pass(14_000);
  talk.say("Hm.");
  talk.reply("Take your time.");
  talk.pass(14_000);
  talk.say("Hm.");
  talk.reply("Take your time.");
  const warned = talk.pass(12_500);
  expect(lastRequest(warned).at(-1)).toMatch(/^user: \[note: .*time limit/);
  talk.reply("I have to go, goodbye.");
  talk.pass(20_000);
  expect(talk.endCause).toBe("max_duration_reached");
});

test("whoever speaks as the warning is due is warned when they are done", () => {
  const talk = new Talk({ maxCallDurationMs: 60_000, silenceHangupMs: 45_000 }).connect();
  talk.pass(38_000);
  talk.say("Hm.");
  talk.reply("There is a great deal to say about that, and it takes a little while to say it.");
  const during = talk.pass(3_000);
  expect(during.filter((effect) => effect.kind === "startModel")).toHaveLength(0);
  const after = talk.pass(5_000);
  expect(lastRequest(after).at(-1)).toMatch(/^user: \[note: .*time limit/);
  expect(after.filter((effect) => effect.kind === "startModel")).toHaveLength(1);
  talk.reply("I have to go, goodbye.");
  const rest = talk.pass(10_000);
  expect(rest.filter((effect) => effect.kind === "startModel")).toHaveLength(0);
});

test("when the person hangs up there is no end cause, and the transcript stops where the audio did", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  talk.reply("I am calling about your visit tomorrow morning.");
  talk.pass(1_350);
  const last = talk.happen({ kind: "closed", how: "hung_up" });
  expect(last.at(-1)?.kind).toBe("record");
  expect(talk.endCause).toBeNull();
  expect(talk.state.endCause).toBeNull();
  expect(talk.transcript.at(-1)).toBe("agent: I am calling a…");
});

test("a broken line has a cause of its own, unless a goodbye was under way", () => {
  const broken = new Talk().connect();
  broken.happen({ kind: "closed", how: "lost" });
  expect(broken.state.endCause).toBe("stuck_ws_disconnect");

  const closing = new Talk().connect();
  closing.pass(3_000);
  closing.say("Bye.");
  closing.reply("Goodbye. [END_CALL]");
  closing.happen({ kind: "closed", how: "hung_up" });
  expect(closing.state.endCause).toBe("completed");
});

test("a line that a later one has overtaken in the reports was heard, whatever the estimate says", () => {
  const talk = new Talk().connect();
  talk.say("Who is it?");
  talk.reply("The clinic. Goodbye. [END_CALL]");
  talk.pass(100);
  talk.happen({ kind: "played", text: "The clinic. Goodbye." });
  talk.pass(300);
  expect(talk.endCause).toBe("completed");
  expect(talk.transcript).toEqual([
    "agent: Hello, this is the clinic.",
    "callee: Who is it?",
    "agent: The clinic. Goodbye.",
  ]);
});
