// A human being on the phone. A state machine over what is heard; all choices come from dice that
// belong to the phone.
//
//   state        | on                          | does
//   greeting     | picked up                   | says hello after a moment, then listens
//   listening    | the agent spoke and stopped | thinks, then answers what was understood; talks back to `listening`
//   listening    | a clause (interrupters)     | may talk over the agent
//   listening    | thanks or goodbye (who speaks over the end) | says one thing more, once
//   listening    | nobody speaks for long      | asks whether anybody is there; the third time hangs up
//   any          | the agent says goodbye      | says goodbye and hangs up
//   any          | patience or turns are used up | takes leave and hangs up

import { linesFor } from "./lines.ts";
import type { LineKind, Manner } from "./lines.ts";
import type { Person, PersonParts } from "./person.ts";
import { understandAgent } from "./understand-agent.ts";
import type { AgentMeaning, Topic } from "./understand-agent.ts";
import type { Cancel } from "../simulator-clock.ts";

/** How a person behaves; durations in milliseconds of life. */
export interface Conduct {
  readonly manner: Manner;
  /** Never says a word. */
  readonly isSilent: boolean;
  readonly interruptChance: number;
  readonly maxInterrupts: number;
  /** What is said over the agent. */
  readonly interruptsWith: "interrupt" | "backchannel" | "noise";
  /** Said as first, second … reply whatever was asked; the last one for good. Empty: answers. */
  readonly wishes: readonly LineKind[];
  readonly speaksOverEnd: boolean;
  /** Answers by pressing 1 and says nothing. */
  readonly pressesKeys: boolean;
  /** Hangs up this long after the agent's first sound; null: stays. */
  readonly leavesAfterMs: readonly [number, number] | null;
  readonly maxReplies: number;
  /** After the last reply: stays on the line without a word, instead of taking leave. */
  readonly staysSilently: boolean;
  /** Instead of a hello; null: a hello. */
  readonly firstWords: string | null;
}

type Intent = "confirm" | "reschedule" | "cancel" | "askIfRobot";

// The agent's program does not run faster at high speed, so patience is never cut below these real
// milliseconds.
const PATIENCE_MS = [7_000, 11_000] as const;
const PATIENCE_FLOOR_MS = 5_000;
const SILENT_STAY_MS = 45_000;
const SILENT_STAY_FLOOR_MS = 8_000;
/** Long enough to be taken for a voice that cuts in, whatever the sensitivity. */
const NOISE_MS = 900;
const MAX_ASKED_IN_VAIN = 2;
const SOUNDS_LIKE_THE_END = /\b(thank you|good ?bye|bye)\b/i;

export class ConversingPerson implements Person {
  readonly #parts: PersonParts;
  readonly #conduct: Conduct;
  readonly #intent: Intent;
  #next: Cancel | null = null;
  #patience: Cancel | null = null;
  #replies = 0;
  #interrupts = 0;
  #askedInVain = 0;
  #isAgentSpeaking = false;
  #hasHeardAgent = false;
  #isLeaving = false;
  #hasAskedIfRobot = false;
  #overEnd: "not_yet" | "about_to" | "done" = "not_yet";

  constructor(parts: PersonParts, conduct: Conduct) {
    this.#parts = parts;
    this.#conduct = conduct;
    const draw = parts.dice.fraction();
    this.#intent =
      draw < 0.6 ? "confirm" : draw < 0.82 ? "reschedule" : draw < 0.9 ? "cancel" : "askIfRobot";
  }

  pickedUp(): void {
    const { pace, dice, hangUp } = this.#parts;
    if (this.#conduct.isSilent) {
      this.#next = pace.afterPatience(SILENT_STAY_MS, SILENT_STAY_FLOOR_MS, hangUp);
      return;
    }
    this.#plan(dice.between(300, 1_200), () => this.#greet());
    this.#startPatience();
  }

  agentBegan(): void {
    this.#isAgentSpeaking = true;
    if (this.#conduct.isSilent) return;
    this.#stopPatience();
    const { pace, dice, hangUp } = this.#parts;
    // Whoever was about to answer lets the agent talk first.
    if (!this.#isLeaving) this.#cancelPlan();
    if (this.#overEnd === "about_to") this.#overEnd = "not_yet";
    const leaves = this.#conduct.leavesAfterMs;
    if (leaves !== null && !this.#hasHeardAgent) {
      this.#isLeaving = true;
      this.#next = pace.afterTalk(dice.between(...leaves), hangUp);
    }
    this.#hasHeardAgent = true;
  }

  agentSpoke(clause: string): void {
    if (this.#conduct.speaksOverEnd && SOUNDS_LIKE_THE_END.test(clause))
      return this.#speakOverEnd();
    // Nobody else talks over a goodbye.
    if (understandAgent(clause).kind === "goodbye") return;
    const { interruptChance, maxInterrupts, interruptsWith } = this.#conduct;
    const { dice, voice } = this.#parts;
    if (this.#isLeaving || voice.isTalking || this.#interrupts >= maxInterrupts) return;
    if (!dice.chance(interruptChance)) return;
    this.#interrupts += 1;
    this.#plan(dice.between(100, 500), () => {
      if (interruptsWith === "noise") voice.makeNoise(NOISE_MS);
      else this.#say(interruptsWith);
    });
  }

  agentEnded(heard: string): void {
    this.#isAgentSpeaking = false;
    if (this.#conduct.isSilent || this.#isLeaving) return;
    this.#askedInVain = 0;
    this.#startPatience();
    if (this.#overEnd === "about_to") return;
    if (heard !== "" && !this.#parts.voice.isTalking) this.#answer(understandAgent(heard));
  }

  agentWasCut(): void {
    this.#isAgentSpeaking = false;
    if (!this.#conduct.isSilent && !this.#isLeaving) this.#startPatience();
  }

  lineClosed(): void {
    this.#isLeaving = true;
    this.#cancelPlan();
    this.#stopPatience();
  }

  #answer(meaning: AgentMeaning): void {
    const { dice, voice } = this.#parts;
    if (meaning.kind === "asks_for_key") {
      this.#plan(dice.between(500, 1_500), () => voice.press(meaning.digit));
      return;
    }
    if (meaning.kind === "goodbye") return this.#leave("goodbye");
    if (this.#replies >= this.#conduct.maxReplies) {
      return this.#conduct.staysSilently ? this.#fallSilent() : this.#leave("mustGo");
    }
    if (this.#conduct.pressesKeys && meaning.kind !== "states") {
      this.#replies += 1;
      this.#plan(dice.between(500, 1_500), () => voice.press("1"));
      return;
    }
    const line = this.#lineFor(meaning.kind);
    if (line === null) return;
    this.#replies += 1;
    this.#plan(dice.between(300, 1_100), () => this.#say(line));
  }

  /** null: nothing to say to that. */
  #lineFor(topic: Topic): LineKind | null {
    const { wishes } = this.#conduct;
    if (wishes.length > 0) return wishes[Math.min(this.#replies, wishes.length - 1)] ?? null;
    if (this.#intent === "askIfRobot" && !this.#hasAskedIfRobot && topic !== "states") {
      this.#hasAskedIfRobot = true;
      return "askIfRobot";
    }
    switch (topic) {
      case "asks_who_you_are":
        return "yesItIsMe";
      case "asks_to_confirm":
        // Whoever changed their mind once agrees to what is found instead.
        return this.#replies < 3 && this.#intent !== "askIfRobot" ? this.#intent : "confirm";
      case "offers_choice":
        return "choose";
      case "asks_for_more":
        return "noMore";
      case "asks_presence":
        return "present";
      case "asks":
        return "answer";
      case "states":
        return this.#parts.dice.chance(0.6) ? "acknowledge" : null;
    }
  }

  #greet(): void {
    const { firstWords } = this.#conduct;
    if (firstWords === null) return this.#say("hello");
    this.#sayWords(firstWords);
  }

  #speakOverEnd(): void {
    if (this.#overEnd !== "not_yet" || this.#isLeaving) return;
    this.#overEnd = "about_to";
    this.#plan(this.#parts.dice.between(50, 300), () => {
      this.#overEnd = "done";
      this.#say("oneMore");
    });
  }

  #fallSilent(): void {
    const { pace, hangUp } = this.#parts;
    this.#isLeaving = true;
    this.#stopPatience();
    this.#next = pace.afterPatience(SILENT_STAY_MS, SILENT_STAY_FLOOR_MS, hangUp);
  }

  #leave(line: "goodbye" | "mustGo"): void {
    const { dice, voice, pace, hangUp } = this.#parts;
    this.#isLeaving = true;
    this.#stopPatience();
    this.#plan(dice.between(200, 800), () => {
      voice.say(dice.pick(linesFor(this.#conduct.manner)[line]), () => {
        this.#next = pace.afterTalk(dice.between(200, 900), hangUp);
      });
    });
  }

  #say(line: LineKind): void {
    this.#sayWords(this.#parts.dice.pick(linesFor(this.#conduct.manner)[line]));
  }

  #sayWords(words: string): void {
    this.#stopPatience();
    this.#parts.voice.say(words, () => {
      if (!this.#isAgentSpeaking) this.#startPatience();
    });
  }

  #startPatience(): void {
    this.#stopPatience();
    const { pace, dice } = this.#parts;
    this.#patience = pace.afterPatience(dice.between(...PATIENCE_MS), PATIENCE_FLOOR_MS, () => {
      this.#patience = null;
      if (this.#askedInVain >= MAX_ASKED_IN_VAIN) return this.#parts.hangUp();
      this.#askedInVain += 1;
      this.#say("anyoneThere");
    });
  }

  #stopPatience(): void {
    this.#patience?.();
    this.#patience = null;
  }

  #plan(delayMs: number, run: () => void): void {
    this.#cancelPlan();
    this.#next = this.#parts.pace.afterTalk(delayMs, () => {
      this.#next = null;
      run();
    });
  }

  #cancelPlan(): void {
    this.#next?.();
    this.#next = null;
  }
}
