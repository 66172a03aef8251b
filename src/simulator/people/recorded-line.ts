// Phones that a machine picks up: a mailbox (greeting, beep, then it records), a menu of a company,
// a fax. They hear nothing but sound or silence.

import { speechMs } from "../line/speech-rate.ts";
import { MENU_PROMPT } from "./lines.ts";
import type { Person, PersonParts } from "./person.ts";
import type { Cancel } from "../simulator-clock.ts";

const OPENING_MS = 700;
const BEEP_MS = 400;
/** A mailbox hangs up after this much silence, or when the tape is full. */
const MAILBOX_SILENCE_MS = 10_000;
const MAILBOX_SILENCE_FLOOR_MS = 6_000;
const MAILBOX_FULL_MS = 120_000;
const MAILBOX_FULL_FLOOR_MS = 30_000;
const FAX_STAY_MS = 40_000;
const FAX_STAY_FLOOR_MS = 8_000;
const MENU_REPEATS = 3;
const MENU_GAP_MS = 5_000;
const MENU_GAP_FLOOR_MS = 2_500;

/** From the answer to the beep, in life. */
export function mailboxGreetingMs(greeting: string): number {
  return OPENING_MS + speechMs(greeting) + BEEP_MS;
}

export function createMailbox(parts: PersonParts, greeting: string): Person {
  const { pace, voice, hangUp } = parts;
  const timers = createTimers();
  let isRecording = false;
  const waitForSilence = () => {
    if (!isRecording) return;
    timers.set("silence", pace.afterPatience(MAILBOX_SILENCE_MS, MAILBOX_SILENCE_FLOOR_MS, hangUp));
  };
  const record = () => {
    isRecording = true;
    timers.set("full", pace.afterPatience(MAILBOX_FULL_MS, MAILBOX_FULL_FLOOR_MS, hangUp));
    waitForSilence();
  };
  return {
    pickedUp: () => {
      const greet = () => {
        voice.say(greeting, () => timers.set("step", pace.afterTalk(BEEP_MS, record)));
      };
      timers.set("step", pace.afterTalk(OPENING_MS, greet));
    },
    agentBegan: () => timers.clear("silence"),
    agentSpoke: () => undefined,
    agentEnded: waitForSilence,
    agentWasCut: waitForSilence,
    lineClosed: () => timers.clearAll(),
  };
}

/** A company's menu: reads itself out a few times, then hangs up. */
export function createMenu(parts: PersonParts, words: string = MENU_PROMPT): Person {
  const { pace, voice, hangUp } = parts;
  const timers = createTimers();
  const prompt = (left: number): void => {
    if (left === 0) return hangUp();
    voice.say(words, () => {
      const gap = pace.afterPatience(MENU_GAP_MS, MENU_GAP_FLOOR_MS, () => prompt(left - 1));
      timers.set("step", gap);
    });
  };
  return {
    ...deaf,
    pickedUp: () =>
      timers.set(
        "step",
        pace.afterTalk(OPENING_MS, () => prompt(MENU_REPEATS)),
      ),
    lineClosed: () => timers.clearAll(),
  };
}

/** A fax: no words, and it gives up after a while. */
export function createFax({ pace, hangUp }: PersonParts): Person {
  const timers = createTimers();
  return {
    ...deaf,
    pickedUp: () => timers.set("step", pace.afterPatience(FAX_STAY_MS, FAX_STAY_FLOOR_MS, hangUp)),
    lineClosed: () => timers.clearAll(),
  };
}

const deaf = {
  agentBegan: () => undefined,
  agentSpoke: () => undefined,
  agentEnded: () => undefined,
  agentWasCut: () => undefined,
};

function createTimers() {
  const running = new Map<string, Cancel>();
  const clear = (name: string) => {
    running.get(name)?.();
    running.delete(name);
  };
  return {
    set: (name: string, cancel: Cancel) => {
      clear(name);
      running.set(name, cancel);
    },
    clear,
    clearAll: () => {
      for (const name of running.keys()) clear(name);
    },
  };
}
