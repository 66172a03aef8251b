// Drives one conversation: events in, the reducer's effects out as frames, model calls, timers and
// records. It decides nothing about the talk itself. Its time is the clock's at the start plus the
// monotonic time since, so that a clock that steps neither hurries nor stops a conversation.
// Nothing here throws.

import type { FastifyBaseLogger } from "fastify";

import { reduceSession } from "../agent/session.ts";
import type { SessionEffect, SessionEvent, TimerName } from "../agent/session-events.ts";
import type { SessionState } from "../agent/session-state.ts";
import { formatRelayCommand, type RelayCommand } from "../carrier/twilio/relay-frames.ts";
import type { EndCause } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Model } from "../ports/model.ts";
import type { OutboundOutcome } from "../ports/outbound.ts";
import { endCommandOf, textCommandOf, type VoiceEvent } from "./relay-translation.ts";
import { createVoiceCheck } from "./voice-check.ts";
import type { VoiceRecords } from "./voice-records.ts";
import { createVoiceReplies } from "./voice-replies.ts";
import { createVoiceTools, type ToolCall } from "./voice-tools.ts";

/**
 * The cause should be on disk before the line is cut. A person on the line waits no longer than
 * this for a database.
 */
const MAX_RECORD_WAIT_MS = 3_000;
/**
 * The carrier closes within 90 ms of `end`; a socket that stays open longer is closed from our
 * side.
 */
const CLOSE_GRACE_MS = 5_000;

/** The socket, as a conversation sees it. */
export interface SocketSide {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface VoiceSessionParts {
  /** A conversation that waits to be connected. */
  readonly start: SessionState;
  readonly clock: Clock;
  readonly model: Model;
  readonly socket: SocketSide;
  readonly records: VoiceRecords;
  readonly log: FastifyBaseLogger;
  /** Asks one of the agent's own tools. */
  runTool(call: ToolCall, signal: AbortSignal): Promise<OutboundOutcome>;
  /** The conversation is over; its last facts may still be on their way to disk. Called once. */
  ended(): void;
}

export interface VoiceSession {
  happen(event: VoiceEvent): void;
  /** Ends the conversation at once. */
  end(cause: EndCause): void;
}

export function createVoiceSession(parts: VoiceSessionParts): VoiceSession {
  const now = sessionTime(parts.clock);
  const replies = createVoiceReplies(parts.model, parts.log, happen);
  const check = createVoiceCheck(parts.model, parts.log, (input) =>
    happen({ kind: "checkAnswered", input }),
  );
  const tools = createVoiceTools((call, signal) => parts.runTool(call, signal), parts.log, happen);
  const timers = createTimers(now, (name, at) => step({ kind: "timerFired", name, at }));
  let state = parts.start;

  function happen(event: VoiceEvent): void {
    step({ ...event, at: now() });
  }

  function step(event: SessionEvent): void {
    if (state.phase === "ended") return;
    const next = reduceSession(state, event);
    state = next.state;
    for (const effect of next.effects) perform(effect);
    if (state.phase !== "ended") return;
    timers.clearAll();
    replies.abortAll();
    check.abort();
    tools.abortAll();
    parts.ended();
  }

  function perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case "speak":
        return send(parts.socket, textCommandOf(effect));
      case "startCheck":
        return check.start(effect.request);
      case "abortCheck":
        return check.abort();
      case "startModel":
        return replies.start(effect.turnId, effect.request);
      case "abortModel":
        return replies.abort(effect.turnId);
      case "callTool":
        return tools.start(effect);
      case "abortTool":
        return tools.abort(effect.number);
      case "setTimer":
        return timers.set(effect.name, effect.at);
      case "clearTimer":
        return timers.clear(effect.name);
      case "record":
        return parts.records.record(effect.facts);
      case "end":
        return hangUp(parts, effect.cause);
    }
  }

  return { happen, end: (cause) => happen({ kind: "endRequested", cause }) };
}

function send(socket: SocketSide, command: RelayCommand): void {
  socket.send(formatRelayCommand(command));
}

function hangUp({ socket, records }: VoiceSessionParts, cause: EndCause): void {
  const cut = (): void => {
    send(socket, endCommandOf(cause));
    setTimeout(() => socket.close(1000, "the conversation is over"), CLOSE_GRACE_MS).unref();
  };
  atMost(records.settled(), MAX_RECORD_WAIT_MS).then(cut, cut);
}

interface Timers {
  set(name: TimerName, dueAt: Instant): void;
  clear(name: TimerName): void;
  clearAll(): void;
}

function createTimers(now: () => Instant, fired: (name: TimerName, at: Instant) => void): Timers {
  const waiting = new Map<TimerName, NodeJS.Timeout>();
  const clear = (name: TimerName): void => {
    clearTimeout(waiting.get(name));
    waiting.delete(name);
  };
  return {
    set: (name, dueAt) => {
      clear(name);
      const fire = (): void => {
        waiting.delete(name);
        // The event loop's timers may be a millisecond early, and a conversation takes nothing
        // before its time.
        fired(name, Math.max(now(), dueAt));
      };
      waiting.set(name, setTimeout(fire, Math.max(0, dueAt - now())));
    },
    clear,
    clearAll: () => {
      for (const name of waiting.keys()) clear(name);
    },
  };
}

function sessionTime(clock: Clock): () => Instant {
  const startedAt = clock.now();
  const startedMs = clock.monotonicMs();
  return () => startedAt + Math.floor(clock.monotonicMs() - startedMs);
}

/** Resolves with the work, or when so long has passed. */
async function atMost(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
