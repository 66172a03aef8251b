// What a running script can do with the call it runs on. Every wait ends early when the script is
// stopped.

import type { Call } from "../carrier-model/call.ts";
import type { PhoneLine } from "../carrier-model/phone-line.ts";
import type { CallbackTarget } from "../carrier-model/create-call-request.ts";
import type { TwimlElement } from "./parse-twiml.ts";

/** Where a document comes from. */
export type ScriptSource =
  | { readonly kind: "inline"; readonly twiml: string }
  | {
      readonly kind: "fetched";
      readonly target: CallbackTarget;
      /** Fields beside the standard ones. */
      readonly fields: Readonly<Record<string, string>>;
    };

/** Why a script is stopped from outside. */
export type StopReason = "call_ended" | "redirected";

export type FetchOutcome =
  | { readonly kind: "fetched"; readonly twiml: string }
  | { readonly kind: "failed"; readonly code: number };

/** What a verb leads to. */
export type VerbResult =
  | { readonly kind: "next" }
  | { readonly kind: "hang_up" }
  | { readonly kind: "go"; readonly source: ScriptSource }
  /** A document that cannot be run: the carrier's error code. */
  | { readonly kind: "failed"; readonly code: number };

export interface Collected {
  readonly digits: string;
  /** What the person said; empty when nothing or when speech was not asked for. */
  readonly speech: string;
}

export interface ScriptLine {
  readonly call: Call;
  /** What another phone does when this call rings it. */
  lineOf(phone: string): PhoneLine;
  /** The next three resolve when it is over, or at once when `signal` stops. */
  speak(text: string, signal: AbortSignal): Promise<void>;
  playSound(durationMs: number, signal: AbortSignal): Promise<void>;
  pause(durationMs: number, signal: AbortSignal): Promise<void>;
  /** Asks a web address for a document; never throws. */
  fetch(source: Extract<ScriptSource, { kind: "fetched" }>): Promise<FetchOutcome>;
  /**
   * Runs `prompt` and collects what the person presses or says, until `isComplete` or the silence
   * is too long.
   */
  collect(
    order: CollectOrder,
    prompt: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Collected>;
  /** `events`: those that the callback wants, `completed` and `absent`. */
  startRecording(callback: CallbackTarget | null, events: ReadonlySet<string>): void;
  connectRelay(
    relay: TwimlElement,
    action: CallbackTarget | null,
    signal: AbortSignal,
  ): Promise<VerbResult>;
}

export interface CollectOrder {
  readonly maxDigits: number | null;
  readonly finishOnKey: string;
  readonly timeoutMs: number;
  readonly acceptsSpeech: boolean;
}
