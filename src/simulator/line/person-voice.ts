// The voice of whoever picked up: one utterance at a time, word by word as time passes.
// It knows nothing of who listens; a listener that comes late misses what was said before.

import type { Pace } from "../pace.ts";
import type { Cancel } from "../simulator-clock.ts";
import { speechMs, spokenPart } from "./speech-rate.ts";

export interface PersonListener {
  /** The person starts to talk. */
  personBegan(): void;
  /** What was said so far of the running utterance. */
  personContinued(soFar: string): void;
  /** The utterance is over. */
  personEnded(text: string): void;
  personPressed(digit: string): void;
}

const STEP_MS = 250;

export class PersonVoice {
  readonly #pace: Pace;
  readonly #record: (text: string, wasInterrupted: boolean) => void;
  #listener: PersonListener | null = null;
  #utterance: { readonly text: string; readonly startedAt: number; afterwards: () => void } | null =
    null;
  #timer: Cancel | null = null;

  /** `record` gets every utterance when it ends. */
  constructor(pace: Pace, record: (text: string, wasInterrupted: boolean) => void) {
    this.#pace = pace;
    this.#record = record;
  }

  get isTalking(): boolean {
    return this.#utterance !== null;
  }

  /** Who hears the person from now on; null: nobody. */
  setListener(listener: PersonListener | null): void {
    this.#listener = listener;
  }

  /** Says something; whatever was being said stops. `afterwards` runs when it is said. */
  say(text: string, afterwards: () => void = () => undefined): void {
    this.stop();
    this.#utterance = { text, startedAt: this.#pace.now(), afterwards };
    this.#listener?.personBegan();
    this.#arm();
  }

  press(digit: string): void {
    this.#listener?.personPressed(digit);
  }

  /** Falls silent in mid-sentence. What was said until now counts as said. */
  stop(): void {
    this.#timer?.();
    this.#timer = null;
    const utterance = this.#utterance;
    if (utterance === null) return;
    const said = this.#saidOf(utterance);
    this.#utterance = null;
    if (said === "") return;
    this.#record(said, true);
    this.#listener?.personEnded(said);
  }

  #arm(): void {
    const utterance = this.#utterance;
    if (utterance === null) return;
    const leftMs =
      speechMs(utterance.text) - (this.#pace.now() - utterance.startedAt) * this.#pace.speed;
    this.#timer = this.#pace.afterTalk(Math.max(0, Math.min(STEP_MS, leftMs)), () => {
      if (leftMs > STEP_MS) {
        const said = this.#saidOf(utterance);
        if (said !== "") this.#listener?.personContinued(said);
        this.#arm();
        return;
      }
      this.#timer = null;
      this.#utterance = null;
      this.#record(utterance.text, false);
      this.#listener?.personEnded(utterance.text);
      utterance.afterwards();
    });
  }

  #saidOf(utterance: { readonly text: string; readonly startedAt: number }): string {
    return spokenPart(utterance.text, (this.#pace.now() - utterance.startedAt) * this.#pace.speed);
  }
}
