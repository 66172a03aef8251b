// The attributes of <ConversationRelay> that change what the simulator does. Names are
// case-sensitive and unknown ones are dropped without a word, as the carrier does.

import type { TwimlElement } from "../twiml/parse-twiml.ts";

/** Which input counts. */
export type InputKind = "none" | "dtmf" | "speech" | "any";

export interface RelaySettings {
  /** Exactly as written: it is signed as written. */
  readonly url: string;
  readonly welcomeGreeting: string;
  readonly greetingInterruptible: InputKind;
  readonly language: string;
  readonly interruptible: InputKind;
  /** How long the person must talk before the agent is cut off, as in life. */
  readonly interruptAfterMs: number;
  readonly reportDuringSpeech: InputKind;
  readonly detectsDtmf: boolean;
  readonly sendsPartials: boolean;
  readonly sendsSpeakerEvents: boolean;
  readonly sendsTokensPlayed: boolean;
  readonly parameters: Readonly<Record<string, string>>;
}

const INTERRUPT_AFTER_MS: Readonly<Record<string, number>> = { high: 200, medium: 450, low: 800 };

/** null when the element has no usable socket address: the carrier cannot connect (64102). */
export function parseRelaySettings(relay: TwimlElement): RelaySettings | null {
  const { attributes } = relay;
  const url = attributes["url"] ?? "";
  // The real carrier takes wss only; ws is for a rehearsal on one machine.
  if (!/^wss?:\/\//i.test(url) || !URL.canParse(url)) return null;
  const events = (attributes["events"] ?? attributes["debug"] ?? "").split(/\s+/);
  return {
    url,
    welcomeGreeting: attributes["welcomeGreeting"] ?? "",
    greetingInterruptible: parseInputKind(attributes["welcomeGreetingInterruptible"], "any"),
    language: attributes["transcriptionLanguage"] ?? attributes["language"] ?? "en-US",
    interruptible: parseInputKind(attributes["interruptible"], "any"),
    interruptAfterMs: INTERRUPT_AFTER_MS[attributes["interruptSensitivity"] ?? "high"] ?? 200,
    reportDuringSpeech: parseInputKind(attributes["reportInputDuringAgentSpeech"], "none"),
    detectsDtmf: attributes["dtmfDetection"] === "true",
    sendsPartials: attributes["partialPrompts"] === "true",
    sendsSpeakerEvents: events.includes("speaker-events"),
    sendsTokensPlayed: events.includes("tokens-played"),
    parameters: Object.fromEntries(
      relay.children
        .filter((child) => child.name === "Parameter")
        .map(({ attributes: { name = "", value = "" } }) => [name, value]),
    ),
  };
}

/** `true` and `false` are older spellings of `any` and `none`. */
export function parseInputKind(value: string | boolean | undefined, absent: InputKind): InputKind {
  const words: Readonly<Record<string, InputKind>> = {
    none: "none",
    dtmf: "dtmf",
    speech: "speech",
    any: "any",
    true: "any",
    false: "none",
  };
  return words[String(value)] ?? absent;
}

export function admits(setting: InputKind, input: "dtmf" | "speech"): boolean {
  return setting === "any" || setting === input;
}
