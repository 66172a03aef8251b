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
  /** The utterance is over; "" was a noise. */
  personEnded(text: string): void;
  personPressed(digit: string): void;
}

interface Utterance {
  /** "": a noise. */
  readonly text: string;
  readonly durationMs: number;
  readonly startedAt: number;
  readonly afterwards: () => void;
}

const STEP_MS = 250;

export class PersonVoice {
  readonly #pace: Pace;
  readonly #record: (text: string, wasInterrupted: boolean) => void;
  #listener: PersonListener | null = null;
  #utterance: Utterance | null = null;
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
    this.#begin({ text, durationMs: speechMs(text), afterwards });
  }

  /** A cough, a passing car: heard as a voice, with no words in it. */
  makeNoise(durationMs: number): void {
    this.#begin({ text: "", durationMs, afterwards: () => undefined });
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

  #begin(sound: Omit<Utterance, "startedAt">): void {
    this.stop();
    this.#utterance = { ...sound, startedAt: this.#pace.now() };
    this.#listener?.personBegan();
    this.#arm();
  }

  #arm(): void {
    const utterance = this.#utterance;
    if (utterance === null) return;
    const leftMs =
      utterance.durationMs - (this.#pace.now() - utterance.startedAt) * this.#pace.speed;
    this.#timer = this.#pace.afterTalk(Math.max(0, Math.min(STEP_MS, leftMs)), () => {
      if (leftMs > STEP_MS) {
        const said = this.#saidOf(utterance);
        if (said !== "") this.#listener?.personContinued(said);
        this.#arm();
        return;
      }
      this.#timer = null;
      this.#utterance = null;
      if (utterance.text !== "") this.#record(utterance.text, false);
      this.#listener?.personEnded(utterance.text);
      utterance.afterwards();
    });
  }

  #saidOf(utterance: Utterance): string {
    return spokenPart(utterance.text, (this.#pace.now() - utterance.startedAt) * this.#pace.speed);
  }
}
