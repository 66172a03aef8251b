// What the model's tools do, and what happens without a model: no more calls, a call at another
// time, a person instead.

import { expect, test } from "vitest";
import { findOptOut } from "../../src/agent/opt-out.ts";
import type { SessionFacts } from "../../src/agent/session-events.ts";
import { planSession } from "../../src/agent/session-state.ts";
import { readOpenings } from "./openings.ts";
import { AGENT, lastRequest, START_AT, Talk } from "./talk.ts";

const opening = {
  preamble: [],
  greeting: "Hello.",
  voicemailMessage: "",
  boundary: "edge",
  isRecorded: false,
};
const rules = {
  timezone: "Europe/London",
  window: { startMinutes: 540, endMinutes: 1_020, days: ["mon", "tue", "wed", "thu", "fri"] },
  expiresAt: null,
  askedBefore: 0,
} as const;

function talkWith(agent: Partial<typeof AGENT> = {}): Talk {
  const plan = planSession({ ...AGENT, ...agent }, { ...opening, callback: rules });
  const talk = new Talk(plan).connect();
  talk.pass(3_000);
  return talk;
}

function call(talk: Talk, name: string, input: unknown = {}): void {
  talk.happen({ kind: "modelToolCall", turnId: talk.state.turnId, name, input });
}

function facts(talk: Talk): SessionFacts | undefined {
  return talk.effects.findLast((effect) => effect.kind === "record")?.facts;
}

test("whoever asks for no more calls and hangs up in mid-word is not called again", () => {
  for (const end of [
    { kind: "closed", how: "hung_up" },
    { kind: "closed", how: "lost" },
    { kind: "endRequested", cause: "canceled" },
  ] as const) {
    const talk = talkWith();
    talk.happen({ kind: "partial", text: "take me off your list" });
    talk.happen(end);
    expect(facts(talk)?.optOut).toEqual({ at: talk.now, words: "take me off your list" });
    expect(talk.transcript.at(-1)).toBe("callee: take me off your list");
  }
});

test("only what the agent can do is offered", () => {
  const names = (agent: Partial<typeof AGENT>, callback: typeof rules | null) =>
    planSession({ ...AGENT, ...agent }, { ...opening, callback }).tools.map((tool) => tool.name);
  expect(names({ func_end_call: false }, null)).toEqual(["record_opt_out"]);
  expect(names({ transfer_number: "+12025550199" }, rules)).toEqual([
    "end_call",
    "record_opt_out",
    "request_callback",
    "transfer_to_human",
  ]);
});

test("no tool tells the model a phone, and none takes one", () => {
  const plan = planSession(
    { ...AGENT, transfer_number: "+12025550199" },
    { ...opening, callback: rules },
  );
  expect(JSON.stringify(plan.tools)).not.toContain("2025550199");
  expect(plan.tools.flatMap((tool) => Object.keys(tool.inputSchema["properties"] ?? {}))).toEqual([
    "reason",
    "when",
  ]);
});

test("whoever asks for no more calls is heard without the model, told so, and the call ends", () => {
  const talk = talkWith();
  const { at, words } = { at: talk.now, words: "Please take me off your list, will you?" };
  const said = talk.say(words);
  expect(said.some((effect) => effect.kind === "startModel")).toBe(false);
  expect(talk.spoken.at(-1)).toBe("You will not be called again. Goodbye.");
  expect(facts(talk)?.optOut).toEqual({ at, words });
  // Words over this goodbye do not call it off.
  talk.say("Wait, hello?");
  talk.pass(12_000);
  expect(talk.endCause).toBe("completed");
});

test("it is heard in mid-reply, over a goodbye, and before the opening", () => {
  const speaking = talkWith();
  speaking.say("Yes?");
  speaking.token("Your visit ");
  speaking.say("Stop calling me.");
  expect(facts(speaking)?.optOut).not.toBeNull();

  const closing = talkWith();
  closing.say("Fine.");
  closing.reply("Goodbye. [END_CALL]");
  closing.say("And never call me again!");
  closing.pass(12_000);
  expect(closing.endCause).toBe("completed");
  expect(facts(closing)?.optOut?.words).toBe("And never call me again!");

  const waiting = new Talk({ greetingMode: "after_hello" }).connect();
  waiting.say("Whoever you are, stop calling this number.");
  expect(waiting.spoken).toEqual(["You will not be called again. Goodbye."]);
});

test.each([
  "Stop calling me.",
  "Don't call me again, please.",
  "Take me off of your list.",
  "I do not want any more calls from you.",
  "No me vuelva a llamar.",
  "Ne m'appelez plus jamais.",
  "Rufen Sie mich nicht mehr an!",
  "Non mi chiami più.",
  "Não me ligue mais.",
  "Bel me niet meer.",
  "Proszę więcej nie dzwonić.",
  "Больше мне не звоните.",
  "もう電話しないでください。",
  "不要再打电话来了。",
  "더 이상 전화하지 마세요.",
  "मुझे फ़ोन मत करो।",
  "لا تتصل بي مرة أخرى",
  "אל תתקשרו אליי יותר",
])("%s means no more calls", (words) => {
  expect(findOptOut(words)).not.toBeNull();
});

test.each([
  "Don't call before ten, please.",
  "Could you call me again tomorrow?",
  "You can stop, I understood.",
  "My list is long today.",
  "Nein, rufen Sie mich morgen an.",
  "Llámeme más tarde.",
])("%s does not", (words) => {
  expect(findOptOut(words)).toBeNull();
});

test("no recorded greeting means no more calls", () => {
  const greetings = readOpenings().filter(({ kind }) => kind !== "human");
  expect(greetings.length).toBeGreaterThan(50);
  expect(greetings.filter(({ words }) => findOptOut(words) !== null)).toEqual([]);
});

test("the model's own tool does the same, with its words or the engine's", () => {
  const talk = talkWith();
  talk.say("I would prefer not to hear from you.");
  call(talk, "record_opt_out");
  talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  expect(talk.spoken.at(-1)).toBe("You will not be called again. Goodbye.");
  expect(facts(talk)?.optOut?.words).toBe("I would prefer not to hear from you.");
});

test("a call at another time is noted when it is possible, and then confirmed by the model", () => {
  const talk = talkWith();
  talk.say("Can you call me tomorrow at half past two?");
  call(talk, "request_callback", { when: "2026-12-01T14:30" });
  talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  expect(facts(talk)?.callbackAt).toBe(Date.UTC(2026, 11, 1, 14, 30));
  expect(lastRequest(talk.effects).at(-1)).toMatch(/\[note: request_callback: it is noted/);
  talk.reply("I will call you tomorrow. Goodbye. [END_CALL]");
  talk.pass(12_000);
  expect(talk.endCause).toBe("completed");
  expect(talk.transcript.join("\n")).not.toContain("note");
});

test("a time that is not possible is asked again, and a model that never learns is let go", () => {
  const talk = talkWith();
  talk.say("Call me on Sunday.");
  for (let round = 0; round < 10 && talk.state.phase === "thinking"; round += 1) {
    call(talk, "request_callback", { when: "2026-12-06T14:30" });
    talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  }
  expect(talk.state.phase).toBe("listening");
  expect(talk.state.callbackAt).toBeNull();
  const asked = talk.effects.filter((effect) => effect.kind === "startModel");
  expect(asked.length).toBeLessThanOrEqual(6);
});

test("a person is put through after the model has said so; without a number nothing happens", () => {
  const talk = talkWith({ transfer_number: "+12025550199" });
  talk.say("I want to talk to a human.");
  call(talk, "transfer_to_human");
  talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  expect(talk.spoken.at(-1)).toBe("One moment, I am connecting you.");
  talk.pass(12_000);
  expect(talk.endCause).toBe("transferred");

  const without = talkWith();
  without.say("I want to talk to a human.");
  call(without, "transfer_to_human", { to: "+12025550111" });
  without.reply("I am sorry, I cannot do that.");
  without.pass(3_000);
  expect(without.endCause).toBeNull();
});

test("the time of the conversation is what a callback is held against", () => {
  const talk = talkWith();
  expect(talk.now).toBe(START_AT + 3_000);
  talk.say("Call me a minute ago.");
  call(talk, "request_callback", { when: "2026-11-30T08:59" });
  talk.happen({ kind: "modelDone", turnId: talk.state.turnId });
  expect(lastRequest(talk.effects).at(-1)).toContain("that time is in the past");
});
