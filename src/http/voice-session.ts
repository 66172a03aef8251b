// Drives one conversation: events in, the reducer's effects out as frames, model calls, timers and records. It decides
// nothing about the talk itself. Its time is the clock's at the start plus the monotonic time since, so that a clock that
// steps neither hurries nor stops a conversation. Nothing here throws.

import type { FastifyBaseLogger } from "fastify";

import { reduceSession } from "../agent/session.ts";
import type { SessionEffect, SessionEvent, TimerName } from "../agent/session-events.ts";
import type { SessionState } from "../agent/session-state.ts";
import { formatRelayCommand, type RelayCommand } from "../carrier/twilio/relay-frames.ts";
import type { EndCause } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Model, ModelChunk, ModelRequest } from "../ports/model.ts";
import type { VoiceEvent } from "./relay-translation.ts";
import type { VoiceRecords } from "./voice-records.ts";

/** The cause should be on disk before the line is cut. A person on the line waits no longer than this for a database. */
const MAX_RECORD_WAIT_MS = 3_000;
/** The carrier closes within 90 ms of `end`; a socket that stays open longer is closed from our side. */
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
  /** The conversation is over; its last facts may still be on their way to disk. Called once. */
  ended(): void;
}

export interface VoiceSession {
  happen(event: VoiceEvent): void;
  /** Ends the conversation at once. */
  end(cause: EndCause): void;
}

export function createVoiceSession(parts: VoiceSessionParts): VoiceSession {
  const { clock, log } = parts;
  const now = sessionTime(clock);
  const timers = new Map<TimerName, NodeJS.Timeout>();
  const replies = new Map<number, AbortController>();
  let state = parts.start;

  function happen(event: VoiceEvent): void {
    if (state.phase !== "ended") step({ ...event, at: now() });
  }

  function step(event: SessionEvent): void {
    const next = reduceSession(state, event);
    state = next.state;
    for (const effect of next.effects) perform(effect);
    if (state.phase === "ended") finish();
  }

  function perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case "speak":
        return send({ type: "text", token: effect.token, last: effect.last });
      case "startModel":
        return startModel(effect.turnId, effect.request);
      case "abortModel":
        return stopModel(effect.turnId);
      case "setTimer":
        return setTimer(effect.name, effect.at);
      case "clearTimer":
        return clearTimer(effect.name);
      case "record":
        return parts.records.record(effect.facts);
      case "end":
        return hangUp(effect.cause);
    }
  }

  function send(command: RelayCommand): void {
    parts.socket.send(formatRelayCommand(command));
  }

  function clearTimer(name: TimerName): void {
    clearTimeout(timers.get(name));
    timers.delete(name);
  }

  function setTimer(name: TimerName, dueAt: Instant): void {
    clearTimeout(timers.get(name));
    const fire = (): void => {
      timers.delete(name);
      // The event loop's timers may be a millisecond early; the reducer takes nothing before its time.
      step({ kind: "timerFired", name, at: Math.max(now(), dueAt) });
    };
    timers.set(name, setTimeout(fire, Math.max(0, dueAt - now())));
  }

  function startModel(turnId: number, request: ModelRequest): void {
    const controller = new AbortController();
    replies.set(turnId, controller);
    const failed = (error: unknown): void => {
      // The port promises never to throw: this is a defect, and the person still gets an answer.
      log.error({ err: error }, "the language model's adapter threw");
      happen({ kind: "modelFailed", turnId, retryable: false });
    };
    hear(turnId, parts.model.reply(request, controller.signal), controller.signal).catch(failed);
  }

  async function hear(
    turnId: number,
    reply: AsyncIterable<ModelChunk>,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const chunk of reply) {
      if (signal.aborted) return;
      if (chunk.kind === "failed") {
        const { message, retryable } = chunk;
        log.warn({ reason: message, retryable }, "the language model failed");
      }
      happen(modelEventOf(turnId, chunk));
    }
  }

  function stopModel(turnId: number): void {
    replies.get(turnId)?.abort();
    replies.delete(turnId);
  }

  function hangUp(cause: EndCause): void {
    const cut = (): void => {
      send({ type: "end", handoffData: JSON.stringify({ cause }) });
      setTimeout(() => parts.socket.close(1000, "the conversation is over"), CLOSE_GRACE_MS).unref();
    };
    atMost(parts.records.settled(), MAX_RECORD_WAIT_MS).then(cut, cut);
  }

  let isFinished = false;
  function finish(): void {
    if (isFinished) return;
    isFinished = true;
    for (const name of [...timers.keys()]) clearTimer(name);
    for (const turnId of [...replies.keys()]) stopModel(turnId);
    parts.ended();
  }

  return { happen, end: (cause) => happen({ kind: "endRequested", cause }) };
}

function modelEventOf(turnId: number, chunk: ModelChunk): VoiceEvent {
  switch (chunk.kind) {
    case "text":
      return { kind: "modelToken", turnId, text: chunk.text };
    case "tool_call":
      return { kind: "modelToolCall", turnId, name: chunk.name, input: chunk.input };
    case "done":
      return { kind: "modelDone", turnId };
    case "failed":
      return { kind: "modelFailed", turnId, retryable: chunk.retryable };
  }
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
