// A conversation under a test's thumb: events in, effects out, timers fired by moving the time.
// States are frozen as they come, so a rule that changed one in place would throw.

import type { AgentSettings } from "../../src/domain/agent-settings.ts";
import type { SessionEffect, SessionEvent, TimerName } from "../../src/agent/session-events.ts";
import { planSession, startSession } from "../../src/agent/session-state.ts";
import type { SessionPlan, SessionState } from "../../src/agent/session-state.ts";
import { reduceSession } from "../../src/agent/session.ts";

export const START_AT = Date.UTC(2026, 10, 30, 9, 0);

export const AGENT: AgentSettings = {
  system_prompt: "You are a friendly assistant.",
  welcome_message: "Hello, this is the clinic.",
  voice_id: "Ashley",
  language: "en",
  temperature: 0.3,
  response_length: "short",
  ai_speaks_first: true,
  greeting_mode: "at_once",
  dynamic_greeting: false,
  disclosure_enabled: false,
  disclosure_attestation: null,
  business_name: null,
  interruption_sensitivity: 50,
  response_eagerness: 200,
  boosted_keywords: null,
  pickup_delay: 10,
  max_call_duration_seconds: 600,
  silence_hangup_seconds: 30,
  record_call: false,
  amd_enabled: false,
  dtmf_enabled: null,
  voicemail_leave_enabled: false,
  voicemail_message: null,
  webhook_url: null,
  func_end_call: true,
  transfer_number: null,
  speaking_rate: null,
  greet_by_name: true,
  fallback_message: "I am sorry, could you say that again?",
};

export function planFor(changes: Partial<SessionPlan> = {}): SessionPlan {
  const opening = {
    preamble: [
      { role: "system", content: "Rules." },
      { role: "user", content: "Facts." },
    ],
    greeting: "Hello, this is the clinic.",
    voicemailMessage: "",
    boundary: "edge",
    isRecorded: false,
    callback: null,
  } as const;
  return { ...planSession(AGENT, opening), saysAutomated: true, ...changes };
}

/** An event without its instant: it happens now. */
export type Happening = SessionEvent extends infer E
  ? E extends SessionEvent
    ? Omit<E, "at">
    : never
  : never;

export class Talk {
  state: SessionState;
  now = START_AT;
  readonly effects: SessionEffect[] = [];

  constructor(changes: Partial<SessionPlan> = {}) {
    this.state = deepFreeze(startSession(planFor(changes)));
  }

  /** Feeds one event and answers what came of it. */
  happen(happening: Happening): readonly SessionEffect[] {
    const { state, effects } = reduceSession(this.state, { ...happening, at: this.now });
    this.state = deepFreeze(state);
    this.effects.push(...effects);
    return effects;
  }

  /** Moves the time, firing what falls due on the way, in order. */
  pass(milliseconds: number): readonly SessionEffect[] {
    const until = this.now + milliseconds;
    const seen = this.effects.length;
    for (let next = this.nextTimer(); next !== null && next.at <= until; next = this.nextTimer()) {
      this.now = Math.max(this.now, next.at);
      this.happen({ kind: "timerFired", name: next.name });
    }
    this.now = until;
    return this.effects.slice(seen);
  }

  nextTimer(): { readonly name: TimerName; readonly at: number } | null {
    const timers = Object.entries(this.state.timers).toSorted((a, b) => a[1] - b[1]);
    const first = timers[0];
    return first === undefined ? null : { name: first[0] as TimerName, at: first[1] };
  }

  connect(answeredAt: number | null = null): this {
    this.happen({ kind: "connected", answeredAt });
    return this;
  }

  say(text: string): readonly SessionEffect[] {
    return this.happen({ kind: "final", text, language: null });
  }

  /** The model replies to the turn that is waiting, in these tokens. */
  reply(...tokens: readonly string[]): readonly SessionEffect[] {
    const seen = this.effects.length;
    for (const text of tokens) this.token(text);
    this.happen({ kind: "modelDone", turnId: this.state.turnId });
    return this.effects.slice(seen);
  }

  token(text: string): readonly SessionEffect[] {
    return this.happen({ kind: "modelToken", turnId: this.state.turnId, text });
  }

  /** Everything that was sent to the voice, a string a turn. */
  get spoken(): readonly string[] {
    return spokenBy(this.effects);
  }

  get transcript(): readonly string[] {
    const facts = this.effects.findLast((effect) => effect.kind === "record")?.facts;
    return (facts?.transcript ?? []).map(
      (line) => `${line.role}: ${line.text}${line.interrupted ? "…" : ""}`,
    );
  }

  get endCause(): string | null {
    return this.effects.find((effect) => effect.kind === "end")?.cause ?? null;
  }
}

export function spokenBy(effects: readonly SessionEffect[]): readonly string[] {
  const turns = new Map<number, string>();
  for (const effect of effects) {
    if (effect.kind !== "speak") continue;
    turns.set(effect.turnId, (turns.get(effect.turnId) ?? "") + effect.token);
  }
  return [...turns.values()];
}

/** The last request to the model, as the roles and contents it holds. */
export function lastRequest(effects: readonly SessionEffect[]): readonly string[] {
  const start = effects.findLast((effect) => effect.kind === "startModel");
  return (start?.request.messages ?? []).map((message) => `${message.role}: ${message.content}`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
