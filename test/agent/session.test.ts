// Conversations told in order: what the person hears, what the model is asked, how it ends.

import { expect, test } from "vitest";
import { lastRequest, spokenBy, Talk } from "./talk.ts";

test("the greeting is spoken at once and the person's words start the model with the whole history", () => {
  const talk = new Talk().connect();
  expect(talk.spoken).toEqual(["Hello, this is the clinic."]);
  talk.pass(3_000);
  talk.say("Hi, what is it about?");
  expect(lastRequest(talk.effects)).toEqual([
    "system: Rules.",
    "user: Facts.",
    "assistant: Hello, this is the clinic.",
    "user: Hi, what is it about?",
  ]);
  expect(talk.effects.findLast((effect) => effect.kind === "startModel")?.request).toMatchObject({
    temperature: 0.3,
    maxOutputTokens: 300,
    tools: [{ name: "end_call" }],
  });
});

test("tokens are spoken as they come, and the turn is closed when the reply is complete", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Hello?");
  const { turnId } = talk.state;
  expect(talk.token("Your visit ")).toContainEqual({
    kind: "speak",
    turnId,
    token: "Your visit ",
    last: false,
  });
  talk.token("is tomorrow.");
  const done = talk.happen({ kind: "modelDone", turnId });
  expect(done).toContainEqual({ kind: "speak", turnId, token: "", last: true });
  expect(talk.transcript).toEqual([
    "agent: Hello, this is the clinic.",
    "callee: Hello?",
    "agent: Your visit is tomorrow.",
  ]);
});

test("an interruption stops the model, drops its late tokens and cuts the memory to what was heard", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("What is it about?");
  const { turnId } = talk.state;
  talk.token("Life is a journey and ");
  talk.pass(900);
  const cut = talk.happen({ kind: "interrupted", heardText: "Life is a", durationMs: 460 });
  expect(cut).toContainEqual({ kind: "abortModel", turnId });
  expect(talk.happen({ kind: "modelToken", turnId, text: "so on." })).toEqual([]);
  expect(talk.happen({ kind: "modelDone", turnId })).toEqual([]);
  talk.say("No, really?");
  expect(lastRequest(talk.effects).slice(2)).toEqual([
    "assistant: Hello, this is the clinic.",
    "user: What is it about?",
    "assistant: Life is a—",
    "user: No, really?",
  ]);
});

test("what was heard is taken from played clauses before the reported text", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  talk.reply("Good morning. Your visit is at ten. Does that suit you?");
  talk.pass(2_000);
  talk.happen({ kind: "played", text: "Good morning." });
  talk.happen({ kind: "played", text: "Your visit is at ten." });
  talk.happen({ kind: "interrupted", heardText: "Good morning.", durationMs: 900 });
  talk.say("Yes.");
  talk.reply("Fine.");
  expect(talk.transcript.slice(2)).toEqual([
    "agent: Good morning. Your visit is at ten.…",
    "callee: Yes.",
    "agent: Fine.",
  ]);
});

test("a line that was queued behind the one being cut was never heard", () => {
  const talk = new Talk({ greeting: "Hello, this is the clinic on Main Street." }).connect();
  talk.pass(500);
  talk.say("Yes?");
  talk.reply("It is about tomorrow.");
  talk.pass(600);
  talk.happen({ kind: "interrupted", heardText: "Hello, this is", durationMs: 750 });
  talk.say("Who?");
  expect(lastRequest(talk.effects).slice(2)).toEqual([
    "assistant: Hello, this is—",
    "user: Yes? Who?",
  ]);
});

test("news of a cut that comes after the words restarts the reply with the true history", () => {
  const talk = new Talk().connect();
  talk.pass(900);
  talk.say("Wait.");
  const stale = talk.state.turnId;
  const late = talk.happen({ kind: "interrupted", heardText: "Hello,", durationMs: 500 });
  expect(late).toContainEqual({ kind: "abortModel", turnId: stale });
  expect(lastRequest(late).slice(2)).toEqual(["assistant: Hello,—", "user: Wait."]);
  expect(talk.happen({ kind: "modelToken", turnId: stale, text: "Old." })).toEqual([]);
  talk.reply("Of course.");
  expect(talk.spoken).toEqual(["Hello, this is the clinic.", "Of course."]);
});

test("words that come before the first spoken token join the same turn", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("I would like");
  const first = talk.state.turnId;
  talk.pass(400);
  const second = talk.say("to move my visit.");
  expect(second).toContainEqual({ kind: "abortModel", turnId: first });
  expect(lastRequest(second).at(-1)).toBe("user: I would like to move my visit.");
  talk.reply("Sure.");
  expect(talk.transcript).toEqual([
    "agent: Hello, this is the clinic.",
    "callee: I would like to move my visit.",
    "agent: Sure.",
  ]);
});

test("words during a reply, without an interruption, break it off but keep what was sent", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  const { turnId } = talk.state;
  talk.token("Your visit is ");
  const said = talk.say("One moment.");
  expect(said.slice(0, 2)).toEqual([
    { kind: "speak", turnId, token: "", last: true },
    { kind: "abortModel", turnId },
  ]);
  talk.reply("Take your time.");
  expect(talk.transcript.slice(1)).toEqual([
    "callee: Yes?",
    "agent: Your visit is…",
    "callee: One moment.",
    "agent: Take your time.",
  ]);
});

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
  const talk = new Talk({ agentSpeaksFirst: false }).connect();
  talk.say("You have reached the mailbox of");
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

test("a machine verdict ends the call at once from every state, a human one does not", () => {
  const talk = new Talk().connect();
  talk.happen({ kind: "amdVerdict", answeredBy: "human" });
  expect(talk.endCause).toBeNull();
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

test("the agent that waits greets after two seconds, or answers the person's first words", () => {
  const silent = new Talk({ agentSpeaksFirst: false }).connect();
  silent.pass(1_900);
  expect(silent.spoken).toEqual([]);
  silent.pass(200);
  expect(silent.spoken).toEqual(["Hello, this is the clinic."]);

  const talking = new Talk({ agentSpeaksFirst: false }).connect();
  talking.pass(1_500);
  talking.happen({ kind: "partial", text: "Hel" });
  talking.pass(1_500);
  talking.say("Hello?");
  expect(lastRequest(talking.effects)).toEqual(["system: Rules.", "user: Facts.\n\nHello?"]);
  talking.reply("Hello, it is the clinic.");
  expect(talking.spoken).toEqual(["Hello, it is the clinic."]);
});

test("without a greeting the model opens the conversation", () => {
  const talk = new Talk({ greeting: "" }).connect();
  expect(lastRequest(talk.effects)).toEqual(["system: Rules.", "user: Facts."]);
  talk.reply("Good morning!");
  expect(talk.spoken).toEqual(["Good morning!"]);
});

test("a model that fails before its first word is asked once more, at once", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  const { turnId } = talk.state;
  const again = talk.happen({ kind: "modelFailed", turnId, retryable: true });
  expect(again.map((effect) => effect.kind)).toContain("startModel");
  talk.reply("Here I am.");
  expect(talk.spoken.at(-1)).toBe("Here I am.");
});

test("a second failure in a row ends the call with an apology, as failed", () => {
  const talk = new Talk().connect();
  const fail = () =>
    talk.happen({ kind: "modelFailed", turnId: talk.state.turnId, retryable: true });
  talk.pass(3_000);
  talk.say("Yes?");
  fail();
  fail();
  expect(talk.spoken.at(-1)).toBe("I am sorry, could you say that again?");
  talk.pass(4_000);
  talk.say("I said yes.");
  fail();
  fail();
  expect(talk.spoken.at(-1)).toMatch(/technical problem/);
  expect(talk.say("Hello?").some((effect) => effect.kind === "startModel")).toBe(false);
  talk.pass(12_000);
  expect(talk.endCause).toBe("failed");
});

test("a reply between two failures forgives the first", () => {
  const talk = new Talk().connect();
  const fail = () =>
    talk.happen({ kind: "modelFailed", turnId: talk.state.turnId, retryable: false });
  talk.pass(3_000);
  talk.say("Yes?");
  fail();
  talk.say("Yes!");
  talk.reply("Good.");
  talk.say("And?");
  fail();
  expect(talk.state.phase).toBe("listening");
  expect(talk.spoken.at(-1)).toBe("I am sorry, could you say that again?");
});

test("a failure in mid-reply keeps what was said and asks the person to repeat", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  const { turnId } = talk.state;
  talk.token("Your visit ");
  const broken = talk.happen({ kind: "modelFailed", turnId, retryable: true });
  expect(broken[0]).toMatchObject({ kind: "clearTimer", name: "model" });
  expect(spokenBy(broken)).toEqual(["", "I am sorry, could you say that again?"]);
  expect(talk.transcript.slice(2)).toEqual([
    "agent: Your visit…",
    "agent: I am sorry, could you say that again?",
  ]);
});

test("a model that says nothing at all, or stalls, counts as failed", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  const first = talk.state.turnId;
  talk.happen({ kind: "modelDone", turnId: first });
  expect(talk.state.phase).toBe("thinking");
  const stalled = talk.pass(6_000);
  expect(stalled).toContainEqual({ kind: "abortModel", turnId: first + 1 });
  expect(talk.spoken.at(-1)).toBe("I am sorry, could you say that again?");
});

test("a reply that will not end is cut", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  const { turnId } = talk.state;
  for (let count = 0; count < 100; count += 1) {
    talk.happen({ kind: "modelToken", turnId, text: "and on and on and on and on " });
  }
  expect(talk.spoken.at(-1)).toHaveLength(1_800);
  expect(talk.effects).toContainEqual({ kind: "abortModel", turnId });
});

test("keys are collected and handed to the model as one entry", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.happen({ kind: "dtmf", digit: "1" });
  talk.pass(1_500);
  talk.happen({ kind: "dtmf", digit: "2" });
  const complete = talk.happen({ kind: "dtmf", digit: "#" });
  expect(lastRequest(complete).at(-1)).toBe("user: [keypad: 12#]");
  talk.reply("Thank you.");
  talk.happen({ kind: "dtmf", digit: "3" });
  talk.pass(1_900);
  expect(talk.state.phase).toBe("listening");
  talk.pass(200);
  expect(lastRequest(talk.effects).at(-1)).toBe("user: [keypad: 3]");
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

test("latency is the mean from the person's final words to the first token", () => {
  const talk = new Talk().connect();
  for (const latency of [400, 1_000]) {
    talk.pass(3_000);
    talk.say("Yes?");
    talk.pass(latency);
    talk.reply("Good.");
  }
  const facts = talk.effects.findLast((effect) => effect.kind === "record")?.facts;
  expect(facts?.avgLatencyMs).toBe(700);
  expect(facts?.modelFirstTokenAt).toBe((facts?.modelAskedAt ?? 0) + 400);
});
