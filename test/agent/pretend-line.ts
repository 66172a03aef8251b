// A speech path in virtual time that keeps its own books of what was really heard: it plays what it
// is sent, one turn after the other, at a rate of its own, and may or may not report what it does.

import type { SessionEffect } from "../../src/agent/session-events.ts";
import type { Happening } from "./talk.ts";

export interface LineHabits {
  readonly charactersPerSecond: number;
  readonly lagMs: number;
  /** Says when the voice goes on and off. */
  readonly reportsSpeaking: boolean;
  /** Says which clauses were played. */
  readonly reportsPlayed: boolean;
}

interface Utterance {
  readonly turnId: number;
  text: string;
  heard: number;
  reported: number;
}

export class PretendLine {
  readonly habits: LineHabits;
  readonly utterances: Utterance[] = [];
  #soundsFrom = 0;
  #isOn = false;

  constructor(habits: LineHabits) {
    this.habits = habits;
  }

  take(effects: readonly SessionEffect[], now: number): void {
    for (const effect of effects) {
      if (effect.kind !== "speak" || effect.token === "") continue;
      if (this.#playing() === undefined) this.#soundsFrom = now + this.habits.lagMs;
      const last = this.utterances.at(-1);
      if (last?.turnId === effect.turnId) last.text += effect.token;
      else {
        const { turnId, token } = effect;
        this.utterances.push({ turnId, text: token, heard: 0, reported: 0 });
      }
    }
  }

  /** Plays up to `now` and says what it has to report. */
  play(now: number): readonly Happening[] {
    const happened: Happening[] = [];
    let budget = Math.floor(((now - this.#soundsFrom) / 1000) * this.habits.charactersPerSecond);
    for (let one = this.#playing(); one !== undefined && budget > 0; one = this.#playing()) {
      if (!this.#isOn && this.habits.reportsSpeaking) {
        happened.push({ kind: "agentSpeaking", on: true });
      }
      this.#isOn = true;
      const played = Math.min(budget, one.text.length - one.heard);
      one.heard += played;
      budget -= played;
      this.#soundsFrom += (played / this.habits.charactersPerSecond) * 1000;
      happened.push(...this.#report(one));
    }
    if (this.#isOn && this.#playing() === undefined) {
      this.#isOn = false;
      if (this.habits.reportsSpeaking) happened.push({ kind: "agentSpeaking", on: false });
    }
    return happened;
  }

  /**
   * The person cuts in: everything that waits is dropped. Nothing happens unless they are hearing
   * something.
   */
  cut(): readonly Happening[] {
    const playing = this.#playing();
    if (playing === undefined || playing.heard === 0) return [];
    const heardText = playing.text.slice(0, playing.heard).trim();
    for (const one of this.utterances) one.text = one.text.slice(0, one.heard);
    this.#isOn = false;
    // The report of what was played stops where the sound did.
    const reports =
      playing.reported > 0 || this.habits.reportsPlayed ? this.#report(playing, true) : [];
    const durationMs = (heardText.length / this.habits.charactersPerSecond) * 1000;
    return [...reports, { kind: "interrupted", heardText, durationMs }];
  }

  /** What was heard, a line a turn. */
  get books(): readonly string[] {
    return this.utterances
      .map((one) => one.text.slice(0, one.heard).trim())
      .filter((x) => x !== "");
  }

  #playing(): Utterance | undefined {
    return this.utterances.find((one) => one.heard < one.text.length);
  }

  #report(one: Utterance, isCut = false): readonly Happening[] {
    if (!this.habits.reportsPlayed) return [];
    const fresh = one.text.slice(one.reported, one.heard);
    // A clause is reported when it was spoken to its end.
    const end = isCut || one.heard === one.text.length ? fresh.length : fresh.lastIndexOf(" ") + 1;
    const clause = fresh.slice(0, end);
    one.reported += end;
    return clause.trim() === "" ? [] : [{ kind: "played", text: clause.trim() }];
  }
}
