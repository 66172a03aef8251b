// Drives one conversation: the carrier's frames become the reducer's events, its effects become frames, model calls and
// timers. It decides nothing about the talk itself, and never lets an error of one effect reach another conversation.

import { reduceSession } from "../agent/session.ts";
import type { SessionEffect, SessionEvent, TimerName } from "../agent/session-events.ts";
import { startSession, type SessionPlan, type SessionState } from "../agent/session-state.ts";
import { formatRelayCommand, type RelayCommand, type RelayFrame } from "../carrier/twilio/relay-frames.ts";
import type { EndCause } from "../domain/call-life.ts";
import type { AnsweredBy } from "../domain/carrier-event.ts";
import type { Clock } from "../ports/clock.ts";
import type { Model, ModelRequest } from "../ports/model.ts";
import type { ConversationFacts } from "../store/conversations.ts";

// An event without its instant, for each kind by itself.
type Untimed<E> = E extends { readonly at: number } ? Omit<E, "at"> : never;
export type VoiceEvent = Untimed<SessionEvent>;

export interface VoiceSessionParts {
  readonly plan: SessionPlan;
  readonly clock: Clock;
  readonly model: Model;
  send(text: string): void;
  /** Keeps the latest facts; the last ones before the line is cut. Must not throw. */
  record(facts: ConversationFacts): Promise<void>;
  /** The conversation is over; nothing follows. */
  ended(cause: EndCause | null): void;
  onFault(error: unknown): void;
}

export interface VoiceSession {
  connected(): void;
  frame(frame: RelayFrame): void;
  verdict(answeredBy: AnsweredBy): void;
  end(cause: EndCause): void;
  closed(how: "hung_up" | "lost"): void;
  readonly lastFrameAt: number;
}

export function createVoiceSession(parts: VoiceSessionParts): VoiceSession {
  const { clock } = parts;
  let state: SessionState = startSession(parts.plan);
  let lastFrameAt = clock.now();
  const timers = new Map<TimerName, NodeJS.Timeout>();
  const replies = new Map<number, AbortController>();
  let recorded: Promise<void> = Promise.resolve();

  function handle(event: VoiceEvent): void {
    const step = reduceSession(state, { ...event, at: clock.now() } as SessionEvent);
    state = step.state;
    for (const effect of step.effects) perform(effect);
    if (state.phase === "ended") finish();
  }

  function perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case "speak":
        return send({ type: "text", token: effect.token, last: effect.last });
      case "startModel":
        return void reply(effect.turnId, effect.request);
      case "abortModel":
        replies.get(effect.turnId)?.abort();
        return;
      case "setTimer":
        return setTimer(effect.name, effect.at);
      case "clearTimer":
        clearTimeout(timers.get(effect.name));
        timers.delete(effect.name);
        return;
      case "record":
        recorded = parts.record(effect.facts);
        return;
      case "end":
        return hangUp(effect.cause);
    }
  }

  // What was said and why it ends should be on disk before the line is cut; a database that is away delays it little.
  function hangUp(cause: EndCause): void {
    void recorded.finally(() => {
      send({ type: "end", handoffData: JSON.stringify({ reason: cause }) });
    });
  }

  function send(command: RelayCommand): void {
    parts.send(formatRelayCommand(command));
  }

  function setTimer(name: TimerName, at: number): void {
    clearTimeout(timers.get(name));
    const fire = (): void => {
      timers.delete(name);
      handle({ kind: "timerFired", name });
    };
    timers.set(name, setTimeout(fire, Math.max(0, at - clock.now())));
  }

  async function reply(turnId: number, request: ModelRequest): Promise<void> {
    const controller = new AbortController();
    replies.set(turnId, controller);
    try {
      for await (const chunk of parts.model.reply(request, controller.signal)) {
        if (controller.signal.aborted) return;
        if (chunk.kind === "text") handle({ kind: "modelToken", turnId, text: chunk.text });
        else if (chunk.kind === "tool_call") {
          handle({ kind: "modelToolCall", turnId, name: chunk.name, input: chunk.input });
        } else if (chunk.kind === "done") handle({ kind: "modelDone", turnId });
        else handle({ kind: "modelFailed", turnId, retryable: chunk.retryable });
      }
    } catch (error) {
      parts.onFault(error);
      handle({ kind: "modelFailed", turnId, retryable: false });
    } finally {
      if (replies.get(turnId) === controller) replies.delete(turnId);
    }
  }

  let isFinished = false;
  function finish(): void {
    if (isFinished) return;
    isFinished = true;
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
    for (const controller of replies.values()) controller.abort();
    void recorded.finally(() => {
      parts.ended(state.endCause);
    });
  }

  function onFrame(frame: RelayFrame): void {
    lastFrameAt = clock.now();
    const event = eventOf(frame);
    if (event !== null) handle(event);
  }

  return {
    connected: () => handle({ kind: "connected" }),
    frame: onFrame,
    verdict: (answeredBy) => handle({ kind: "amdVerdict", answeredBy }),
    end: (cause) => handle({ kind: "endRequested", cause }),
    closed: (how) => handle({ kind: "closed", how }),
    get lastFrameAt() {
      return lastFrameAt;
    },
  };
}

function eventOf(frame: RelayFrame): VoiceEvent | null {
  switch (frame.type) {
    case "prompt":
      return frame.last
        ? { kind: "final", text: frame.voicePrompt, language: frame.lang ?? null }
        : { kind: "partial", text: frame.voicePrompt };
    case "interrupt":
      return {
        kind: "interrupted",
        heardText: frame.utteranceUntilInterrupt,
        durationMs: frame.durationUntilInterruptMs ?? null,
      };
    case "dtmf":
      return { kind: "dtmf", digit: frame.digit };
    case "info":
      if (frame.name === "tokensPlayed") return { kind: "played", text: String(frame.value) };
      return { kind: frame.name, on: frame.value === "on" };
    case "setup":
    case "error":
      return null;
  }
}
