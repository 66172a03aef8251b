// What a conversation hears and what it wants done: the whole vocabulary between the core and a
// speech path. A speech path (ConversationRelay today, raw audio later) only translates; nothing of
// its wire may appear here.

import type { EndCause } from "../domain/call-life.ts";
import type { AnsweredBy } from "../domain/carrier-event.ts";
import type { Instant } from "../domain/instant.ts";
import type { ModelRequest } from "../ports/model.ts";
import type { Evidence, Verdict } from "./answer-watch.ts";
import type { ToolCallFact, ToolOutcome } from "./own-tools.ts";
import type { TurnMetrics } from "./turn-metrics.ts";
import type { TranscriptLine } from "./turn-memory.ts";

/**
 * The timers of one conversation. The core says when, the driver waits and answers with
 * `timerFired`.
 */
export type TimerName =
  /** Nobody has spoken since the call was connected and the agent was to wait. */
  | "greeting"
  /** The second opinion on who answered takes too long. */
  | "check"
  /** A mailbox's greeting is over. */
  | "mailbox"
  /** No further key for a while: what was keyed in is complete. */
  | "keypad"
  /** The model has kept us waiting too long, for its first token or its next one. */
  | "model"
  /** A tool of the agent's own is slow: the person hears that it takes a moment. */
  | "filler"
  /** A tool of the agent's own keeps us waiting too long. */
  | "tool"
  /** Nobody spoke after a cut: what was not heard is said once more. */
  | "resume"
  /** Neither side has spoken for a while. */
  | "silence"
  /** The closing line has been heard, as far as anybody can tell. */
  | "ending"
  /** The longest call is nearly over. */
  | "wrapUp"
  /** The longest call is over. */
  | "maxDuration";

export type SessionEvent = { readonly at: Instant } &
  /** `answeredAt`: when the phone was picked up; null when the carrier has not said. */
  (
    | { readonly kind: "connected"; readonly answeredAt: Instant | null }
    /** What the person has said so far of an utterance that goes on. */
    | { readonly kind: "partial"; readonly text: string }
    /** `language`: what the recogniser heard it as, when it says. */
    | { readonly kind: "final"; readonly text: string; readonly language: string | null }
    /** The person cut in and the speech path has dropped everything that was still to be played. */
    | {
        readonly kind: "interrupted";
        readonly heardText: string;
        readonly durationMs: number | null;
      }
    | { readonly kind: "dtmf"; readonly digit: string }
    // The next three may never come, or come late: everything that waits for one has a timer beside
    // it.
    | { readonly kind: "agentSpeaking"; readonly on: boolean }
    | { readonly kind: "clientSpeaking"; readonly on: boolean }
    | { readonly kind: "played"; readonly text: string }
    | { readonly kind: "amdVerdict"; readonly answeredBy: AnsweredBy }
    /** What the model chose about who answered; null when it failed. */
    | { readonly kind: "checkAnswered"; readonly input: unknown }
    /** The speech path is gone. `hung_up`: the other side closed it. `lost`: it broke. */
    | { readonly kind: "closed"; readonly how: "hung_up" | "lost" }
    /** Somebody outside the conversation wants it over at once. */
    | { readonly kind: "endRequested"; readonly cause: EndCause }
    | { readonly kind: "modelToken"; readonly turnId: number; readonly text: string }
    | {
        readonly kind: "modelToolCall";
        readonly turnId: number;
        readonly name: string;
        readonly input: unknown;
      }
    | {
        readonly kind: "modelDone";
        readonly turnId: number;
        /** Tokens, when the model counts them. */
        readonly inputTokens?: number | null;
        readonly outputTokens?: number | null;
      }
    | { readonly kind: "modelFailed"; readonly turnId: number; readonly retryable: boolean }
    /** What came of a `callTool`. */
    | { readonly kind: "toolAnswered"; readonly number: number; readonly outcome: ToolOutcome }
    | { readonly kind: "timerFired"; readonly name: TimerName }
  );

/** Somebody asked never to be called again. */
export interface OptOut {
  readonly at: Instant;
  /** In their own words, bounded. */
  readonly words: string;
}

/** What the conversation amounts to so far. Every snapshot replaces the one before. */
export interface SessionFacts {
  readonly transcript: readonly TranscriptLine[];
  /** null while it goes on, and for ever when the other side ended it. */
  readonly endCause: EndCause | null;
  readonly modelAskedAt: Instant | null;
  readonly modelFirstTokenAt: Instant | null;
  /** When the model was first given up on, so that the person heard the fallback. */
  readonly modelFailedAt: Instant | null;
  /**
   * Mean over turns, from the person's final words to our first token; null before the first such
   * turn.
   */
  readonly avgLatencyMs: number | null;
  /** From the answer to our first sound, by the best report there is; null before it. */
  readonly answerToFirstWordMs: number | null;
  readonly turns: readonly TurnMetrics[];
  /** The person asked never to be called again. */
  readonly optOut: OptOut | null;
  /** When they asked to be called instead; inside the window. */
  readonly callbackAt: Instant | null;
  /** When the person was told that we are automated; null: not (yet) heard. */
  readonly disclosedAt: Instant | null;
  /** Who answered; null before anything speaks for it. Settled when `isSettled`. */
  readonly verdict: Verdict | null;
  readonly isSettled: boolean;
  readonly evidence: readonly Evidence[];
  /** Calls of the agent's own tools, oldest first. */
  readonly toolCalls: readonly ToolCallFact[];
}

export type SessionEffect =
  /** Tokens of a turn come in order; `last` closes the turn and its token may be empty. */
  | {
      readonly kind: "speak";
      readonly turnId: number;
      readonly token: string;
      readonly last: boolean;
      /** Whoever listens cannot cut it. */
      readonly isUninterruptible?: true;
    }
  /** Asks the model who answered; at most once a call. Answered by `checkAnswered`. */
  | { readonly kind: "startCheck"; readonly request: ModelRequest }
  | { readonly kind: "abortCheck" }
  | { readonly kind: "startModel"; readonly turnId: number; readonly request: ModelRequest }
  | { readonly kind: "abortModel"; readonly turnId: number }
  /** Asks a tool of the agent's own, with arguments that fit. Answered by `toolAnswered`. */
  | {
      readonly kind: "callTool";
      readonly number: number;
      readonly name: string;
      readonly input: unknown;
    }
  | { readonly kind: "abortTool"; readonly number: number }
  /** Replaces the timer of that name. */
  | { readonly kind: "setTimer"; readonly name: TimerName; readonly at: Instant }
  | { readonly kind: "clearTimer"; readonly name: TimerName }
  /** To be stored. The one that comes with `end` should be on disk before the line is cut. */
  | { readonly kind: "record"; readonly facts: SessionFacts }
  /** Cut the line. At most once, and nothing follows it. */
  | { readonly kind: "end"; readonly cause: EndCause };
