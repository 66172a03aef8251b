// Who answered: what is said back, what is held back, and what becomes of a machine.

import { expect, test } from "vitest";
import { lastRequest, Talk } from "./talk.ts";
import type { SessionFacts } from "../../src/agent/session-events.ts";

const waiting = { greetingMode: "after_hello" } as const;

function facts(talk: Talk): SessionFacts | undefined {
  return talk.effects.findLast((effect) => effect.kind === "record")?.facts;
}

test("the opening follows the person's hello, and two seconds of silence", () => {
  const spoken = new Talk(waiting).connect();
  spoken.pass(900);
  spoken.say("Hello?");
  expect(spoken.spoken).toEqual(["Hello, this is the clinic."]);
  expect(spoken.effects.some((effect) => effect.kind === "startModel")).toBe(false);

  const silent = new Talk(waiting).connect();
  silent.pass(1_990);
  expect(silent.spoken).toEqual([]);
  silent.pass(10);
  expect(silent.spoken).toEqual(["Hello, this is the clinic."]);
});

test("silence counts from the answer, and a hello that is under way gets its second", () => {
  const late = new Talk(waiting);
  late.connect(late.now - 700);
  late.pass(1_290);
  expect(late.spoken).toEqual([]);
  late.pass(10);
  expect(late.spoken).toHaveLength(1);

  const later = new Talk(waiting);
  later.connect(later.now - 5_000);
  later.pass(990);
  expect(later.spoken).toEqual([]);
  later.pass(10);
  expect(later.spoken).toHaveLength(1);
});

test("unclear words: the model is asked once, nothing is said meanwhile, and a person hears the opening", () => {
  const talk = new Talk(waiting).connect();
  const asked = talk.say("Well the thing is that we moved here only two weeks ago");
  const check = asked.find((effect) => effect.kind === "startCheck");
  expect(check?.request).toMatchObject({ temperature: 0, requiredTool: "classify_answer" });
  talk.pass(600);
  expect(talk.spoken).toEqual([]);
  talk.happen({ kind: "checkAnswered", input: { answered_by: "human", evidence: "moved" } });
  expect(talk.spoken).toEqual(["Hello, this is the clinic."]);
  talk.reply();
  talk.say("And that is really everything that I can tell you about this matter");
  expect(talk.effects.filter((effect) => effect.kind === "startCheck")).toHaveLength(1);
});

test("a second opinion that does not come in time is a tie, and ties are people", () => {
  const talk = new Talk(waiting).connect();
  talk.say("Well the thing is that we moved here only two weeks ago");
  const passed = talk.pass(1_500);
  expect(passed.map((effect) => effect.kind)).toContain("abortCheck");
  expect(talk.spoken).toEqual(["Hello, this is the clinic."]);
  expect(talk.state.watch.verdict).toMatchObject({ answeredBy: "unknown", method: "model" });
  // Too late: nothing changes any more.
  talk.happen({ kind: "checkAnswered", input: { answered_by: "machine-vm" } });
  expect(talk.endCause).toBeNull();
});

test("the model's word for a machine ends the call in silence", () => {
  const talk = new Talk(waiting).connect();
  talk.say("The summer party of the rowing club has been moved to next week");
  talk.happen({ kind: "checkAnswered", input: { answered_by: "machine-vm" } });
  expect(talk.endCause).toBe("voicemail_detected");
  expect(talk.spoken).toEqual([]);
  expect(facts(talk)?.verdict).toMatchObject({ answeredBy: "machine", method: "model" });
});

test("a machine is recognised in mid-sentence, and the verdict is stored with method, reason and delay", () => {
  const talk = new Talk(waiting);
  talk.connect(talk.now - 400);
  talk.pass(1_000);
  talk.happen({ kind: "partial", text: "Hi this is Bob please leave a message after the tone" });
  expect(talk.endCause).toBe("voicemail_detected");
  expect(facts(talk)).toMatchObject({
    verdict: { answeredBy: "machine", method: "phrases", reason: "after the tone", delayMs: 1_400 },
    isSettled: true,
  });
});

test("a machine that begins like a person is recognised while the opening plays", () => {
  const talk = new Talk(waiting).connect();
  talk.say("Hi.");
  expect(talk.spoken).toHaveLength(1);
  expect(talk.state.watch.verdict?.answeredBy).toBe("human");
  talk.pass(1_000);
  talk.happen({ kind: "partial", text: "You have reached my voicemail" });
  expect(talk.endCause).toBe("voicemail_detected");
  expect(facts(talk)?.verdict?.answeredBy).toBe("machine");
});

test("somebody who talks to us may speak of messages and keys", () => {
  const talk = new Talk(waiting).connect();
  talk.say("Hello?");
  talk.pass(3_000);
  for (const words of [
    "He is not available, you could leave your name and number and he will call you back.",
    "Should I press one or two?",
    "Can I leave a message after the tone?",
  ]) {
    talk.say(words);
    talk.reply("Fine.");
    talk.pass(2_000);
  }
  expect(talk.endCause).toBeNull();
  expect(talk.state.watch.verdict?.answeredBy).toBe("human");
});

test("after half a minute nothing that is said makes a machine", () => {
  const talk = new Talk({ ...waiting, silenceHangupMs: 45_000 }).connect();
  talk.say("Hello?");
  talk.pass(31_000);
  talk.say("Please leave a message after the tone.");
  expect(talk.endCause).toBeNull();
});

test("a message is left word for word, uncut, two seconds after the greeting is over", () => {
  const message = "This is the clinic. Please call us back on the number you see.";
  const talk = new Talk({ ...waiting, voicemailMessage: message }).connect();
  talk.happen({ kind: "partial", text: "You have reached my voicemail" });
  expect(talk.state.phase).toBe("mailbox");
  talk.pass(1_500);
  talk.happen({ kind: "partial", text: "You have reached my voicemail please speak" });
  talk.pass(1_990);
  expect(talk.spoken).toEqual([]);
  const left = talk.pass(10);
  expect(left.find((effect) => effect.kind === "speak")).toMatchObject({
    token: message,
    last: true,
    isUninterruptible: true,
  });
  talk.pass(3_000);
  expect(talk.endCause).toBeNull();
  talk.pass(5_000);
  expect(talk.endCause).toBe("voicemail_detected");
  expect(talk.transcript.at(-1)).toBe(`agent: ${message}`);
});

test("a message longer than any goodbye is heard to its end, pauses and all", () => {
  const talk = new Talk({ ...waiting, voicemailMessage: "A long message. ".repeat(40) }).connect();
  talk.happen({ kind: "partial", text: "at the tone please record your message" });
  talk.pass(2_000);
  talk.pass(500);
  talk.happen({ kind: "agentSpeaking", on: true });
  talk.pass(15_000);
  talk.happen({ kind: "agentSpeaking", on: false });
  talk.pass(20_000);
  expect(talk.endCause).toBeNull();
  talk.pass(60_000);
  expect(talk.endCause).toBe("voicemail_detected");
});

test("a greeting without an end is spoken over after half a minute", () => {
  const talk = new Talk({ ...waiting, voicemailMessage: "Call us back." }).connect();
  talk.happen({ kind: "partial", text: "you have reached my voicemail" });
  for (let seconds = 0; seconds < 29; seconds += 1) {
    talk.pass(1_000);
    talk.happen({ kind: "partial", text: `and so on ${seconds}` });
  }
  expect(talk.spoken).toEqual([]);
  talk.pass(1_000);
  expect(talk.spoken).toEqual(["Call us back."]);
});

test("somebody who picks up and asks for no more calls is recorded, told so, and read no message", () => {
  const talk = new Talk({ ...waiting, voicemailMessage: "Call us back." }).connect();
  talk.happen({ kind: "partial", text: "you have reached my voicemail" });
  talk.pass(1_500);
  const words = "Hello? Stop calling me.";
  talk.say(words);
  expect(facts(talk)?.optOut).toEqual({ at: talk.now, words });
  expect(talk.spoken).toEqual(["You will not be called again. Goodbye."]);
  talk.pass(20_000);
  expect(talk.spoken).toHaveLength(1);
  expect(talk.endCause).toBe("voicemail_detected");
});

test("whoever is read the message and asks for no more calls is not read the rest", () => {
  const talk = new Talk({ ...waiting, voicemailMessage: "A long message. ".repeat(40) }).connect();
  talk.happen({ kind: "partial", text: "you have reached my voicemail" });
  talk.pass(5_000);
  talk.say("Well, well.");
  expect(talk.endCause).toBeNull();
  // The line could be cut before these words are finished.
  talk.happen({ kind: "partial", text: "whoever you are don't call me again" });
  expect(facts(talk)?.optOut?.words).toBe("whoever you are don't call me again");
  expect(talk.endCause).toBe("voicemail_detected");
});

test("somebody who picks up where a mailbox answered hears the opening and not the message", () => {
  const talk = new Talk({ ...waiting, voicemailMessage: "Call us back." }).connect();
  talk.happen({ kind: "partial", text: "you have reached my voicemail" });
  talk.pass(1_500);
  talk.say("Hello, sorry, who is this?");
  expect(talk.spoken).toEqual(["Hello, this is the clinic."]);
  expect(talk.state.watch.verdict).toMatchObject({ answeredBy: "human", method: "phrases" });
  talk.pass(10_000);
  expect(talk.endCause).toBeNull();
});

test("over the message too; what was heard of it stays in the record", () => {
  const talk = new Talk({ ...waiting, voicemailMessage: "A long message. ".repeat(40) }).connect();
  talk.happen({ kind: "partial", text: "you have reached my voicemail" });
  talk.pass(5_000);
  talk.say("Hello, this is me, who are you?");
  expect(talk.spoken.at(-1)).toBe("Hello, this is the clinic.");
  talk.pass(10_000);
  expect(talk.endCause).toBeNull();
  talk.happen({ kind: "closed", how: "hung_up" });
  const heard = talk.transcript.find((line) => line.startsWith("agent: A long message."));
  expect(heard?.length).toBeLessThan(100);
});

test("what a mailbox says after its greeting changes nothing", () => {
  const message = "This is the clinic. Please call us back on the number you see.";
  const talk = new Talk({ ...waiting, voicemailMessage: message }).connect();
  talk.happen({ kind: "partial", text: "you have reached my voicemail" });
  talk.say("You have reached my voicemail, please leave a message after the tone. Beep.");
  talk.pass(2_500);
  expect(talk.spoken).toEqual([message]);
  talk.happen({ kind: "partial", text: "to listen to" });
  talk.say("To listen to your message, press one. To record it again, press two.");
  talk.pass(20_000);
  expect(talk.spoken).toEqual([message]);
  expect(talk.endCause).toBe("voicemail_detected");
  expect(facts(talk)?.optOut).toBeNull();
});

test("no message for a menu, a dead number or a mailbox that is full", () => {
  for (const words of [
    "Thank you for calling. For opening hours, press one. For anything else, press two.",
    "The number you have dialed is not in service.",
    "The mailbox is full and cannot take messages.",
  ]) {
    const talk = new Talk({ ...waiting, voicemailMessage: "Call us back." }).connect();
    talk.say(words);
    expect(talk.endCause).toBe("voicemail_detected");
    expect(talk.spoken).toEqual([]);
  }
});

test("the carrier's machine decides while nothing was said, and no message is left for it", () => {
  const talk = new Talk({ ...waiting, voicemailMessage: "Call us back." }).connect();
  talk.pass(1_000);
  talk.happen({ kind: "amdVerdict", answeredBy: "machine" });
  expect(talk.endCause).toBe("voicemail_detected");
  expect(talk.spoken).toEqual([]);
  expect(facts(talk)?.verdict?.method).toBe("carrier");

  const person = new Talk(waiting).connect();
  person.say("The summer party of the rowing club has been moved to next week");
  person.happen({ kind: "amdVerdict", answeredBy: "human" });
  expect(person.spoken).toEqual(["Hello, this is the clinic."]);
});

test("while somebody speaks, or the model is asked who, the carrier's machine is only noted", () => {
  const speaking = new Talk(waiting).connect();
  speaking.happen({ kind: "partial", text: "Miller family good morning you are speaking with" });
  speaking.happen({ kind: "amdVerdict", answeredBy: "machine" });
  expect(speaking.endCause).toBeNull();

  const asked = new Talk(waiting).connect();
  asked.say("The summer party of the rowing club has been moved to next week");
  asked.happen({ kind: "amdVerdict", answeredBy: "machine" });
  expect(asked.endCause).toBeNull();
  // Nobody knows: a tie, and ties are people.
  asked.pass(1_500);
  expect(asked.spoken).toEqual(["Hello, this is the clinic."]);

  const tie = new Talk(waiting).connect();
  tie.say("The summer party of the rowing club has been moved to next week");
  tie.pass(1_500);
  tie.happen({ kind: "amdVerdict", answeredBy: "machine" });
  expect(tie.endCause).toBeNull();
});

test("what the model says of earlier words does not undo a person's words or keys", () => {
  for (const person of [
    { kind: "final", text: "Hello? Who is this?", language: null },
    { kind: "dtmf", digit: "#" },
  ] as const) {
    const talk = new Talk(waiting).connect();
    talk.say("Well the thing is that we moved here only two weeks ago");
    const effects = talk.happen(person);
    expect(effects.map((effect) => effect.kind)).toContain("abortCheck");
    talk.happen({ kind: "checkAnswered", input: { answered_by: "machine-vm" } });
    expect(talk.endCause).toBeNull();
    expect(talk.state.watch.verdict?.answeredBy).toBe("human");
  }
});

test("a person whose first words speak of a mailbox is asked about and not hung up on", () => {
  for (const words of [
    "Sorry, my voicemail is full, who is this?",
    "Hi, I was just about to check my messages, did you call?",
    "Is this the reached my voicemail thing again? Who is calling?",
  ]) {
    const talk = new Talk(waiting).connect();
    const effects = talk.say(words);
    expect(effects.map((effect) => effect.kind)).not.toContain("end");
    talk.pass(1_500);
    expect(talk.spoken, words).toEqual(["Hello, this is the clinic."]);
  }
});

test("whoever first asks for no more calls is a person, whatever the carrier says", () => {
  const talk = new Talk(waiting).connect();
  talk.say("Stop calling me.");
  talk.happen({ kind: "amdVerdict", answeredBy: "machine" });
  expect(talk.spoken).toEqual(["You will not be called again. Goodbye."]);
  talk.pass(10_000);
  expect(talk.endCause).toBe("completed");
  expect(facts(talk)?.verdict).toMatchObject({ answeredBy: "human" });
});

test("against a person's words the carrier's machine is only noted; a fax ends any call", () => {
  const talk = new Talk(waiting).connect();
  talk.say("Hello?");
  talk.happen({ kind: "amdVerdict", answeredBy: "machine" });
  expect(talk.endCause).toBeNull();
  expect(talk.state.watch.evidence.map((one) => one.says)).toContain("machine");

  const fax = new Talk(waiting).connect();
  fax.happen({ kind: "amdVerdict", answeredBy: "fax" });
  expect(fax.endCause).toBe("voicemail_detected");
  expect(facts(fax)?.verdict?.answeredBy).toBe("fax");
});

test("a call on which nobody spoke settles as unknown", () => {
  const talk = new Talk(waiting).connect();
  talk.pass(4_000);
  talk.happen({ kind: "closed", how: "hung_up" });
  expect(facts(talk)?.verdict).toMatchObject({ answeredBy: "unknown", method: "silence" });
});

test("where the person goes first the model answers them, and a key is a person's", () => {
  const talk = new Talk({ greetingMode: "person_first" }).connect();
  talk.say("Yes, who is this?");
  expect(lastRequest(talk.effects).at(-1)).toMatch(/Yes, who is this\?$/);

  const keyed = new Talk(waiting).connect();
  keyed.happen({ kind: "dtmf", digit: "#" });
  expect(keyed.spoken).toEqual(["Hello, this is the clinic."]);
});
