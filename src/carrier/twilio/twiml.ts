// The inline markup a call is created with: record if asked for, and connect the callee to our
// ConversationRelay socket. Recording is started here, because a recording asked for in the create
// request is dropped without a word once ConversationRelay takes the call (twilio.md §5).
// Written by our own escaper, because the SDK writes four attribute names in the wrong case and
// Twilio drops unknown names without a word (twilio.md §5.1). Never longer than Twilio accepts,
// never a greeting: the conversation speaks it.

import assert from "node:assert";

import type { SpeechSettings } from "../../ports/carrier.ts";
import type { CallbackAddresses, DialReference } from "./callback-addresses.ts";
import { formatHints, speechAttributes } from "./speech-attributes.ts";

/** Longer inline markup is refused with 32018 (twilio.md §1.1). */
export const MAX_TWIML_CHARACTERS = 4000;

/** What the markup is made from. */
export interface CallMarkup {
  readonly speech: SpeechSettings;
  readonly isRecorded: boolean;
}

/**
 * The markup of one dial. Keywords that do not fit are left out, last ones first; the rest always
 * fits.
 * @throws AssertionError when it does not fit even without keywords: the public URL is absurdly
 * long.
 */
export function formatConversationTwiml(
  dial: DialReference,
  addresses: CallbackAddresses,
  order: CallMarkup,
): string {
  const keywords = [...order.speech.boostedKeywords];
  let twiml = formatOnce(dial, addresses, order, keywords);
  while (twiml.length > MAX_TWIML_CHARACTERS && keywords.length > 0) {
    keywords.pop();
    twiml = formatOnce(dial, addresses, order, keywords);
  }
  assert(
    twiml.length <= MAX_TWIML_CHARACTERS,
    `inline TwiML has ${twiml.length} characters, more than ${MAX_TWIML_CHARACTERS}`,
  );
  return twiml;
}

function formatOnce(
  dial: DialReference,
  addresses: CallbackAddresses,
  { speech, isRecorded }: CallMarkup,
  keywords: readonly string[],
): string {
  const hints = formatHints(keywords);
  const relay = {
    url: addresses.relay,
    ...speechAttributes(speech),
    ...(hints === "" ? {} : { hints }),
  };
  const parameters = { callId: dial.callId, dialNumber: String(dial.dialNumber) };
  return [
    "<Response>",
    ...(isRecorded
      ? [`<Start><Recording${formatAttributes(recordingOf(addresses))}/></Start>`]
      : []),
    `<Connect${formatAttributes({ action: addresses.connectAction })}>`,
    `<ConversationRelay${formatAttributes(relay)}>`,
    ...Object.entries(parameters).map(
      ([name, value]) => `<Parameter${formatAttributes({ name, value })}/>`,
    ),
    "</ConversationRelay></Connect></Response>",
  ].join("");
}

// Both sides apart, and whole: what is cut off as silence was part of the call.
function recordingOf(addresses: CallbackAddresses): Readonly<Record<string, string>> {
  return {
    channels: "dual",
    trim: "do-not-trim",
    recordingStatusCallback: addresses.recording,
    recordingStatusCallbackEvent: "completed absent",
  };
}

/** With a space before each. Any text may be a value. */
export function formatAttributes(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeText(value)}"`)
    .join("");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

// Characters that XML 1.0 cannot hold, escaped or not, become spaces; so do line breaks, which
// attributes lose anyway.
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const NOT_IN_AN_ATTRIBUTE = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g;

/** Text as it may stand in an attribute, or between two elements. */
export function escapeText(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(NOT_IN_AN_ATTRIBUTE, " ")
    .replaceAll(/[&<>"']/g, (character) => ESCAPES[character] as string);
}
