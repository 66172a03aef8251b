// The carrier's synthetic voice on one call: a play queue of text and sounds, spoken clause by
// clause. Text may still be arriving while it is spoken. Only what was really spoken counts as
// heard; a purge throws the rest away. Invariant: `began`, clauses, then one of `ended` and
// `wasCut`, for each talk cycle.

import type { Pace } from "../pace.ts";
import type { Cancel } from "../simulator-clock.ts";

export interface SpeechListener {
  /** The agent starts to be heard. */
  began(): void;
  /** One clause was spoken to its end. */
  spoke(clause: string): void;
  /**
   * The agent is silent again; `heard` is everything of this talk cycle, and was spoken to its end.
   */
  ended(heard: string): void;
  /** The agent was cut off; instead of `ended`. */
  wasCut(heard: string): void;
}

/** What was heard of a talk cycle that was cut. */
export interface CutSpeech {
  readonly heard: string;
  /** As in life. */
  readonly durationMs: number;
}

type QueueItem =
  | { readonly kind: "text"; text: string }
  | { readonly kind: "sound"; readonly durationMs: number };

/** Characters a synthetic voice speaks in a second. */
export const CHARACTERS_PER_SECOND = 14;
/** From the first token to the first sound. */
const START_MS = 330;
// Waits for more text are waits for the other side, which does not run faster: hence a floor in
// real time.
const CLAUSE_WAIT_MS = 250;
const CLAUSE_WAIT_FLOOR_MS = 60;
const UNDERRUN_MS = 1_500;
const UNDERRUN_FLOOR_MS = 700;
/** A clause is spoken whole, so a longer one is split to keep cuts exact. */
const MAX_CLAUSE_CHARACTERS = 120;
const MIN_CLAUSE_CHARACTERS = 8;

export class SpeechPlayer {
  readonly #pace: Pace;
  readonly #listener: SpeechListener;
  readonly #queue: QueueItem[] = [];
  #isComplete = true;
  #isSpeaking = false;
  #heard = "";
  #beganAt = 0;
  #clause: { readonly text: string; readonly startedAt: number } | null = null;
  #timer: Cancel | null = null;

  constructor(pace: Pace, listener: SpeechListener) {
    this.#pace = pace;
    this.#listener = listener;
  }

  get isSpeaking(): boolean {
    return this.#isSpeaking;
  }

  /** Adds text; `isLast` closes the talk cycle. */
  addText(text: string, isLast: boolean): void {
    const tail = this.#queue.at(-1);
    if (text !== "") {
      if (tail?.kind === "text") tail.text += text;
      else this.#queue.push({ kind: "text", text });
    }
    this.#isComplete = isLast;
    this.#wake();
  }

  /** Adds a sound (a recording, digits) behind what is queued. */
  addSound(durationMs: number): void {
    this.#queue.push({ kind: "sound", durationMs });
    this.#wake();
  }

  /** Stops at once and forgets everything queued. */
  cut(): CutSpeech {
    this.#cancelTimer();
    const clause = this.#clause;
    if (clause !== null) this.#heard += this.#spokenPartOf(clause);
    const durationMs = this.#isSpeaking ? (this.#pace.now() - this.#beganAt) * this.#pace.speed : 0;
    const cut = { heard: this.#heard.trim(), durationMs: Math.round(durationMs) };
    this.#queue.length = 0;
    this.#isComplete = true;
    this.#clause = null;
    this.#heard = "";
    if (this.#isSpeaking) {
      this.#isSpeaking = false;
      this.#listener.wasCut(cut.heard);
    }
    return cut;
  }

  #spokenPartOf(clause: { readonly text: string; readonly startedAt: number }): string {
    const seconds = ((this.#pace.now() - clause.startedAt) * this.#pace.speed) / 1000;
    const characters = Math.floor(seconds * CHARACTERS_PER_SECOND);
    if (characters >= clause.text.length) return clause.text;
    // Nobody hears half a word.
    return clause.text
      .slice(0, Math.max(0, clause.text.lastIndexOf(" ", characters) + 1))
      .trimEnd();
  }

  #wake(): void {
    if (this.#clause !== null) return;
    if (this.#isSpeaking) {
      this.#cancelTimer();
      this.#next();
    } else if (this.#timer === null && this.#queue.length > 0) {
      this.#timer = this.#pace.afterTalk(START_MS, () => {
        this.#timer = null;
        this.#isSpeaking = true;
        this.#beganAt = this.#pace.now();
        this.#listener.began();
        this.#next();
      });
    }
  }

  /** Speaks the next clause, waits for one, or falls silent. */
  #next(): void {
    const item = this.#queue[0];
    if (item === undefined) {
      if (this.#isComplete) this.#finish();
      else this.#waitForMore();
      return;
    }
    if (item.kind === "sound") {
      this.#queue.shift();
      this.#play("", item.durationMs);
      return;
    }
    const length = clauseLength(item.text, this.#isComplete || this.#queue.length > 1);
    if (length === 0) {
      this.#timer = this.#pace.afterPatience(CLAUSE_WAIT_MS, CLAUSE_WAIT_FLOOR_MS, () => {
        this.#timer = null;
        this.#speak(item, item.text.length);
      });
      return;
    }
    this.#speak(item, length);
  }

  #speak(item: { text: string }, length: number): void {
    const clause = item.text.slice(0, length);
    item.text = item.text.slice(length);
    if (item.text === "") this.#queue.shift();
    this.#play(clause, (clause.length / CHARACTERS_PER_SECOND) * 1000);
  }

  #play(text: string, durationMs: number): void {
    this.#clause = { text, startedAt: this.#pace.now() };
    this.#timer = this.#pace.afterTalk(durationMs, () => {
      this.#timer = null;
      this.#clause = null;
      this.#heard += text;
      if (text.trim() !== "") this.#listener.spoke(text);
      // A listener may have cut the speech.
      if (this.#isSpeaking && this.#clause === null && this.#timer === null) this.#next();
    });
  }

  #waitForMore(): void {
    this.#timer = this.#pace.afterPatience(UNDERRUN_MS, UNDERRUN_FLOOR_MS, () => {
      this.#timer = null;
      this.#finish();
    });
  }

  #finish(): void {
    const heard = this.#heard.trim();
    this.#heard = "";
    this.#isSpeaking = false;
    this.#listener.ended(heard);
  }

  #cancelTimer(): void {
    this.#timer?.();
    this.#timer = null;
  }
}

/** How much of the text to speak next; 0 to wait for more of an unfinished clause. */
function clauseLength(text: string, isWhole: boolean): number {
  const clauseEnd = /[.!?;:,]["')]?\s/.exec(text.slice(MIN_CLAUSE_CHARACTERS));
  if (clauseEnd !== null) {
    const length = MIN_CLAUSE_CHARACTERS + clauseEnd.index + clauseEnd[0].length;
    if (length <= MAX_CLAUSE_CHARACTERS) return length;
  }
  if (text.length > MAX_CLAUSE_CHARACTERS) {
    return text.lastIndexOf(" ", MAX_CLAUSE_CHARACTERS) + 1 || MAX_CLAUSE_CHARACTERS;
  }
  return isWhole ? text.length : 0;
}
