// People on a clock that tests move, talking with the scripted agent: every talk comes to an end.

import { expect, test } from "vitest";
import { openDice } from "../../src/simulator/dice.ts";
import { speechMs } from "../../src/simulator/line/speech-rate.ts";
import { PersonVoice } from "../../src/simulator/line/person-voice.ts";
import { SpeechPlayer } from "../../src/simulator/line/speech-player.ts";
import { replyTo } from "../../src/simulator/model/scripted-agent.ts";
import type { ChatMessage } from "../../src/simulator/model/talk-facts.ts";
import { createPace } from "../../src/simulator/pace.ts";
import { createPerson } from "../../src/simulator/people/create-person.ts";
import {
  DEFAULT_GREETING,
  drawMailboxGreeting,
  MAILBOX_LANGUAGES,
} from "../../src/simulator/people/mailbox-greetings.ts";
import type { LanguageShares } from "../../src/simulator/people/mailbox-greetings.ts";
import { DEFAULT_RATES, drawPersona } from "../../src/simulator/people/persona.ts";
import type { Persona } from "../../src/simulator/people/persona.ts";
import type { Person } from "../../src/simulator/people/person.ts";
import { understandAgent } from "../../src/simulator/people/understand-agent.ts";
import { VirtualClock } from "./virtual-clock.ts";

interface Talk {
  readonly messages: ChatMessage[];
  /** How long the person stayed on the line; null when still there after ten minutes. */
  readonly seconds: number | null;
}

const PROMPT: ChatMessage = {
  role: "system",
  content: 'You call about an appointment.\n{"name":"Ana Reed","appointment_day":"Tuesday"}',
};

/**
 * A whole talk between one person and the scripted agent; `isMute`: the agent never says a word.
 */
function converse(
  persona: Persona,
  seed: number,
  { isMute = false, firstWords = null }: { isMute?: boolean; firstWords?: string | null } = {},
): Talk {
  const clock = new VirtualClock();
  const pace = createPace(clock, 1);
  const startedAt = clock.now();
  const messages: ChatMessage[] = [PROMPT];
  let endedAt: number | null = null;
  let saySomething: (() => void) | null = null;
  const voice = new PersonVoice(pace, () => undefined);
  const player = new SpeechPlayer(pace, {
    began: () => person.agentBegan(),
    spoke: (clause) => person.agentSpoke(clause),
    ended: (heard) => {
      messages.push({ role: "assistant", content: heard });
      person.agentEnded(heard);
    },
    wasCut: (heard) => {
      if (heard !== "") messages.push({ role: "assistant", content: heard });
      person.agentWasCut();
    },
  });
  const hangUp = () => {
    endedAt ??= clock.now();
    person.lineClosed();
    voice.stop();
    player.cut();
    saySomething = null;
  };
  const parts = { pace, voice, hangUp };
  const person: Person = createPerson(seed, "+12025550123", persona, parts, firstWords);
  voice.setListener({
    personBegan: () => {
      if (player.isSpeaking) player.cut();
    },
    personContinued: () => undefined,
    personEnded: (text) => {
      if (text !== "") messages.push({ role: "user", content: text });
      if (!isMute) pace.after(800, () => saySomething?.());
    },
    personPressed: (digit) => {
      messages.push({ role: "user", content: `[keypad: ${digit}]` });
      if (!isMute) pace.after(800, () => saySomething?.());
    },
  });
  saySomething = () => {
    if (!voice.isTalking) player.addText(replyTo(messages).text, true);
  };
  person.pickedUp();
  clock.advance(600_000);
  return { messages, seconds: endedAt === null ? null : (endedAt - startedAt) / 1000 };
}

const HUMANS: readonly Persona[] = [
  "talkative",
  "terse",
  "interrupter",
  "opts_out",
  "speaks_over_end",
  "asks_for_human",
  "asks_callback",
  "presses_keys",
  "backchannels",
  "noisy",
];

test.each(HUMANS)("a %s person and the agent always come to an end", (persona) => {
  for (let seed = 0; seed < 60; seed += 1) {
    const { messages, seconds } = converse(persona, seed);
    const said = messages.map((message) => `${message.role}: ${message.content}`).join("\n");
    expect(seconds, said).not.toBeNull();
    expect(messages.length, said).toBeLessThan(30);
    expect(said).toMatch(/goodbye|bye/i);
  }
});

test("whoever asks not to be called says so, and is told that they will not be", () => {
  const { messages } = converse("opts_out", 1);
  const said = messages.filter((message) => message.role === "user").map((m) => m.content);
  expect(said.some((text) => /off your list/.test(text))).toBe(true);
  expect(messages.some((message) => /not be called again/.test(message.content))).toBe(true);
});

test("someone who hangs up early is gone within seconds of the agent's first word", () => {
  const { messages, seconds } = converse("hang_up_early", 3);
  expect(seconds).toBeLessThan(20);
  expect(messages.some((message) => message.content.endsWith("Can you still make it?"))).toBe(
    false,
  );
});

test.each([...HUMANS, "silent", "falls_silent", "voicemail", "fax", "ivr"] as const)(
  "a %s line ends by itself when the agent never says a word",
  (persona) => {
    const { seconds } = converse(persona, 2, { isMute: true });
    expect(seconds).not.toBeNull();
    expect(seconds).toBeLessThan(200);
  },
);

function linesOf(talk: Talk, role: string): string[] {
  return talk.messages.filter((each) => each.role === role).map((each) => each.content);
}

test("someone speaks over the closing line, is answered, and goes at the next one", () => {
  const talk = converse("speaks_over_end", 4);
  expect(linesOf(talk, "user").some((text) => /one more thing/i.test(text))).toBe(true);
  const after = talk.messages.findIndex((each) => /one more thing/i.test(each.content));
  expect(talk.messages.slice(after).some((each) => each.role === "assistant")).toBe(true);
  expect(talk.seconds).not.toBeNull();
});

test("someone asks for a person, someone for a call at another time, someone presses keys", () => {
  expect(linesOf(converse("asks_for_human", 1), "user").join()).toMatch(/person|somebody real/);
  const callback = converse("asks_callback", 1);
  expect(linesOf(callback, "user").join()).toMatch(/tomorrow at ten/);
  expect(linesOf(callback, "assistant").join()).toMatch(/tomorrow at ten/);
  expect(linesOf(converse("presses_keys", 1), "user")).toContain("[keypad: 1]");
});

test("someone falls silent after the first answer and hangs up long after", () => {
  const talk = converse("falls_silent", 1);
  expect(linesOf(talk, "user")).toHaveLength(2);
  expect(talk.seconds).toBeGreaterThan(40);
});

test("someone murmurs while the agent speaks", () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => converse("backchannels", seed));
  const said = seeds.flatMap((talk) => linesOf(talk, "user"));
  expect(said.some((text) => /^(mm-hm|uh-huh|yeah)\.$/i.test(text))).toBe(true);
});

test("what is said first can be set, whoever picks up", () => {
  for (const persona of ["terse", "voicemail", "ivr"] as const) {
    const talk = converse(persona, 1, { isMute: true, firstWords: "もしもし、佐藤です。" });
    expect(linesOf(talk, "user")[0]).toBe("もしもし、佐藤です。");
  }
});

test("mailboxes speak the languages they were given, at lengths from a breath to half a minute", () => {
  const phones = Array.from({ length: 400 }, (_, i) => `+1212555${String(i).padStart(4, "0")}`);
  const greetingsIn = (shares: LanguageShares) =>
    new Set(phones.map((phone) => drawMailboxGreeting(5, shares, phone)));
  const all = Object.fromEntries(MAILBOX_LANGUAGES.map((language) => [language, 1]));
  expect(greetingsIn(all).size).toBeGreaterThanOrEqual(MAILBOX_LANGUAGES.length * 2);
  for (const language of MAILBOX_LANGUAGES) {
    const durations = [...greetingsIn({ [language]: 1 })].map(speechMs);
    expect(Math.min(...durations)).toBeLessThan(2_500);
    expect(Math.max(...durations)).toBeGreaterThan(5_000);
  }
  expect([...greetingsIn({})]).toContain(DEFAULT_GREETING);
});

test("a silent person never says a word", () => {
  const { messages } = converse("silent", 2);
  expect(messages.filter((message) => message.role === "user")).toEqual([]);
});

test("personas follow their rates", () => {
  const counts = new Map<Persona, number>();
  for (let i = 0; i < 10_000; i += 1) {
    const persona = drawPersona(7, DEFAULT_RATES, `+1202555${String(i).padStart(4, "0")}`);
    counts.set(persona, (counts.get(persona) ?? 0) + 1);
  }
  expect((counts.get("terse") ?? 0) / 10_000).toBeCloseTo(0.28, 1);
  expect((counts.get("voicemail") ?? 0) / 10_000).toBeCloseTo(0.15, 1);
  expect(counts.get("ivr") ?? 0).toBe(0);
  expect(drawPersona(7, {}, "+12025550123")).toBe("terse");
});

test.each([
  ["Thank you for your time. Goodbye!", "goodbye"],
  ["Have a great day!", "goodbye"],
  ["Is there anything else?", "asks_for_more"],
  ["I am calling about your visit on Tuesday. Can you still make it?", "asks_to_confirm"],
  ["Would Thursday at ten or Friday at two suit you better?", "offers_choice"],
  ["Are you still there?", "asks_presence"],
  ["Am I speaking with Ana?", "asks_who_you_are"],
  ["Do you have a minute?", "asks"],
  ["I have noted that.", "states"],
  ["To stop these calls, press nine.", "asks_for_key"],
])("a person takes %s as %s", (text, kind) => {
  expect(understandAgent(text).kind).toBe(kind);
});

test("the same names open the same dice, other names others", () => {
  const draw = (...names: string[]) => {
    const dice = openDice(1, ...names);
    return [dice.fraction(), dice.fraction(), dice.hex(8)];
  };
  expect(draw("a", "b")).toEqual(draw("a", "b"));
  expect(draw("a", "b")).not.toEqual(draw("ab"));
});
