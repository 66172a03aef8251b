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
    tools: [{ name: "end_call" }, { name: "record_opt_out" }],
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

test("the agent that waits greets after two seconds, or answers the person's first words", () => {
  const silent = new Talk({ greetingMode: "person_first" }).connect();
  silent.pass(1_900);
  expect(silent.spoken).toEqual([]);
  silent.pass(200);
  expect(silent.spoken).toEqual(["Hello, this is the clinic."]);

  const talking = new Talk({ greetingMode: "person_first" }).connect();
  talking.pass(1_500);
  talking.happen({ kind: "partial", text: "Hel" });
  talking.pass(1_500);
  talking.say("Hello?");
  expect(lastRequest(talking.effects)).toEqual(["system: Rules.", "user: Facts.\n\nHello?"]);
  talking.reply("Hello, it is the clinic.");
  expect(talking.spoken).toEqual(["Hello, it is the clinic."]);
});

test("without a greeting nobody waits for the model: a hello first, then it opens the talk", () => {
  const talk = new Talk({ greeting: "" }).connect();
  expect(talk.spoken).toEqual(["Hello."]);
  expect(lastRequest(talk.effects)).toContain("assistant: Hello.");
  talk.reply("I am calling about tomorrow.");
  expect(talk.spoken).toEqual(["Hello.", "I am calling about tomorrow."]);

  const disclosed = new Talk({ greeting: "", disclosure: "This is a machine." }).connect();
  expect(disclosed.spoken).toEqual(["This is a machine."]);
});

test("a NUL in a reply is neither spoken nor kept", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  talk.reply("One\u0000 ", "two\u0007.");
  expect(talk.spoken.at(-1)).toBe("One two.");
  expect(talk.transcript.at(-1)).toBe("agent: One two.");
});

test("what was being said when the line went dead is in the record", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.happen({ kind: "partial", text: "no I have to\u0000 go" });
  talk.happen({ kind: "closed", how: "hung_up" });
  expect(talk.transcript.at(-1)).toBe("callee: no I have to  go");

  const long = new Talk().connect();
  long.pass(3_000);
  long.happen({ kind: "partial", text: "hm" });
  long.pass(8_000);
  long.happen({ kind: "closed", how: "hung_up" });
  expect(long.transcript.at(-1)).toMatch(/^agent/);
});

test("an answer of a tool waits while words are under way, also without reports of who speaks", () => {
  const talk = new Talk({ silenceHangupMs: 30_000 }).connect();
  talk.pass(10_000);
  talk.happen({ kind: "partial", text: "and then I thought" });
  expect(talk.state.personQuietAt).toBeGreaterThan(talk.now);
  talk.say("And then I thought so.");
  expect(talk.state.personQuietAt).toBe(talk.now);
});

test("a model that fails before its first word is asked once more, at once", () => {
  const talk = new Talk().connect();
  talk.pass(3_000);
  talk.say("Yes?");
  const { turnId } = talk.state;
  const again = talk.happen({ kind: "modelFailed", turnId, retryable: true });
  expect(again.map((effect) => effect.kind)).toContain("startModel");
  expect(talk.state.modelFailedAt).toBeNull();
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
  expect(talk.state.modelFailedAt).not.toBeNull();
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

test("what was heard before the model's first turn is kept as soon as it was heard", () => {
  const talk = new Talk({ greetingMode: "at_once", disclosure: "A machine speaks." }).connect();
  expect(talk.effects.some((effect) => effect.kind === "record")).toBe(false);
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.pass(4_000);
  talk.happen({ kind: "agentSpeaking", on: false });
  expect(talk.transcript).toEqual(["agent: A machine speaks. Hello, this is the clinic."]);
  const silent = new Talk({ greetingMode: "at_once" }).connect();
  silent.pass(6_000);
  silent.say("Hello?");
  expect(silent.transcript).toEqual(["agent: Hello, this is the clinic.", "callee: Hello?"]);
});

test("an opening that still plays is not kept: it may yet be cut", () => {
  const talk = new Talk({ greetingMode: "at_once" }).connect();
  talk.pass(500);
  talk.say("Hello?");
  expect(talk.effects.some((effect) => effect.kind === "record")).toBe(false);
});
