// Between the carrier's frames and the conversation's vocabulary. Nothing is decided here; what has
// no meaning for a conversation is null.

import type { SessionEffect, SessionEvent } from "../agent/session-events.ts";
import type {
  RelayEndCommand,
  RelayFrame,
  RelayTextCommand,
} from "../carrier/twilio/relay-frames.ts";
import type { EndCause } from "../domain/call-life.ts";

// An event without its instant, for each kind by itself.
type Untimed<E> = E extends { readonly at: number } ? Omit<E, "at"> : never;

/** Something that happens to a conversation, now. */
export type VoiceEvent = Untimed<SessionEvent>;

/** A frame as an event; null for `setup` and `error`, which are for whoever holds the socket. */
export function voiceEventOf(frame: RelayFrame): VoiceEvent | null {
  switch (frame.type) {
    case "prompt":
      return frame.last
        ? { kind: "final", text: frame.voicePrompt, language: frame.lang ?? null }
        : { kind: "partial", text: frame.voicePrompt };
    case "interrupt":
      return {
        kind: "interrupted",
        heardText: frame.utteranceUntilInterrupt,
        durationMs: frame.durationUntilInterruptMs,
      };
    case "dtmf":
      return { kind: "dtmf", digit: frame.digit };
    case "info":
      if (frame.name === "tokensPlayed") return { kind: "played", text: frame.value };
      return { kind: frame.name, on: frame.value === "on" };
    case "setup":
    case "error":
      return null;
  }
}

/** What is spoken, for the wire. */
export function textCommandOf(
  effect: Extract<SessionEffect, { readonly kind: "speak" }>,
): RelayTextCommand {
  const { token, last, isUninterruptible } = effect;
  const command = { type: "text", token, last } as const;
  // Only our own next words cut it: of it nothing is heard once somebody has picked up.
  const isForMachine = isUninterruptible === true;
  return isForMachine ? { ...command, interruptible: "none", preemptible: true } : command;
}

/** The end, for the wire; its cause comes back with the connect action. */
export function endCommandOf(cause: EndCause): RelayEndCommand {
  return { type: "end", handoffData: JSON.stringify({ cause }) };
}
