// A person played by a language model: it is told a character, hears what the agent said, and says
// what that person would. It hangs up when the talk is over for it, or when nobody speaks.

import type { Model, ModelMessage } from "../../ports/model.ts";
import type { Cancel } from "../../simulator/simulator-clock.ts";
import type { Person, PersonParts } from "../../simulator/people/person.ts";

const HANG_UP = "[HANG_UP]";
/** The model gets this long for a line. */
const REPLY_TIMEOUT_MS = 20_000;
const PATIENCE_MS = 20_000;
/** From the last word to the receiver being down: what was said is still heard. */
const PUT_DOWN_MS = 1_200;
const MAX_LINE_TOKENS = 150;
/** Whoever has said so much takes leave. */
const MAX_LINES = 20;

export class PlayedPerson implements Person {
  readonly #parts: PersonParts;
  readonly #model: Model;
  readonly #messages: ModelMessage[];
  #thinking: AbortController | null = null;
  #patience: Cancel | null = null;
  #lines = 0;
  #isGone = false;

  constructor(parts: PersonParts, model: Model, character: string) {
    this.#parts = parts;
    this.#model = model;
    this.#messages = [{ role: "system", content: instructions(character) }];
  }

  pickedUp(): void {
    const { pace, dice } = this.#parts;
    this.#patience = pace.afterTalk(dice.between(400, 1_200), () => this.#say("Hello?"));
  }

  agentBegan(): void {
    this.#wait(null);
    this.#thinking?.abort();
  }

  agentSpoke(): void {
    // Hears to the end before answering.
  }

  agentEnded(heard: string): void {
    if (this.#isGone) return;
    this.#wait(PATIENCE_MS);
    if (heard !== "") this.#answer(heard);
  }

  agentWasCut(): void {
    if (!this.#isGone) this.#wait(PATIENCE_MS);
  }

  lineClosed(): void {
    this.#isGone = true;
    this.#wait(null);
    this.#thinking?.abort();
  }

  #answer(heard: string): void {
    this.#messages.push({ role: "user", content: heard });
    if (this.#lines >= MAX_LINES) return this.#parts.hangUp();
    this.#thinking?.abort();
    const thinking = new AbortController();
    this.#thinking = thinking;
    const signal = AbortSignal.any([thinking.signal, AbortSignal.timeout(REPLY_TIMEOUT_MS)]);
    this.#ask(signal).then(
      (line) => {
        if (!thinking.signal.aborted) this.#take(line);
      },
      () => this.#parts.hangUp(),
    );
  }

  /** null: the model failed. */
  async #ask(signal: AbortSignal): Promise<string | null> {
    const request = {
      messages: [...this.#messages],
      tools: [],
      temperature: 0.7,
      maxOutputTokens: MAX_LINE_TOKENS,
    };
    let line = "";
    for await (const chunk of this.#model.reply(request, signal)) {
      if (chunk.kind === "text") line += chunk.text;
      if (chunk.kind === "failed") return null;
    }
    return line;
  }

  #take(line: string | null): void {
    if (line === null) return this.#parts.hangUp();
    const words = line.replaceAll(HANG_UP, "").trim();
    const isLast = line.includes(HANG_UP);
    if (words !== "") this.#say(words, isLast);
    else if (isLast) this.#parts.hangUp();
  }

  #say(words: string, isLast = false): void {
    this.#wait(null);
    this.#lines += 1;
    // Makers refuse a talk that begins with the assistant.
    if (this.#messages.length === 1) {
      this.#messages.push({ role: "user", content: "(Your phone rings. You pick up.)" });
    }
    this.#messages.push({ role: "assistant", content: words });
    this.#parts.voice.say(words, () => {
      if (isLast) this.#parts.pace.afterTalk(PUT_DOWN_MS, this.#parts.hangUp);
      else this.#wait(PATIENCE_MS);
    });
  }

  #wait(ms: number | null): void {
    this.#patience?.();
    this.#patience = ms === null ? null : this.#parts.pace.after(ms, this.#parts.hangUp);
  }
}

function instructions(character: string): string {
  return [
    "You play a person who is called on the phone. You are not an assistant and never say that you are one.",
    `Your character: ${character}`,
    "Say only what this person says aloud, in one or two short spoken sentences. No stage directions.",
    `When the talk is over for this person, end your line with ${HANG_UP}.`,
  ].join("\n");
}
