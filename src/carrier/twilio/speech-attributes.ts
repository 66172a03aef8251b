// From our speech settings to the attributes of <ConversationRelay> (twilio.md §5.1). A wrong
// combination of provider, voice and language drops the session (64106), so a provider is named
// only where the setting forces it; the rest is left to Twilio's own default for the language.

import type { SpeechSettings } from "../../ports/carrier.ts";

export type SpeechAttributes = Readonly<Record<string, string>>;

/** The contract's languages (B.9), each with the variant most people called are likely to speak. */
const LANGUAGE_TAGS: Readonly<Record<string, string>> = {
  multi: "multi",
  en: "en-US",
  es: "es-ES",
  fr: "fr-FR",
  de: "de-DE",
  it: "it-IT",
  pt: "pt-BR",
  nl: "nl-NL",
  hi: "hi-IN",
  ru: "ru-RU",
  ja: "ja-JP",
  ar: "ar-SA",
  he: "he-IL",
  ko: "ko-KR",
  zh: "zh-CN",
  pl: "pl-PL",
};

const FULL_TAG = /^[a-z]{2,3}-[A-Z]{2}$/;

// Voice ids tell their maker by their form. The contract's own voice names match none and mean the
// language's default.
const ELEVENLABS_VOICE = /^[A-Za-z0-9]{20}$/;
const ELEVENLABS_TUNED_VOICE = /^[A-Za-z0-9]{20}-[A-Za-z0-9_.-]{1,60}$/;
const GOOGLE_VOICE = /^[a-z]{2,3}-[A-Z]{2}-[A-Za-z0-9-]{1,60}$/;
const AMAZON_VOICE = /^[A-Z][A-Za-z]{1,30}-(Neural|Generative|Standard)$/;

/** Twilio's own default voice, named only when a rate of speech has to ride on a voice. */
const DEFAULT_ELEVENLABS_VOICE = "UgBBYS2sOqTuMpoF3BR0";
/** What ElevenLabs accepts as speed; the contract's range (0.5–1.5) is wider. */
const MIN_SPEED = 0.7;
const MAX_SPEED = 1.2;

/**
 * @throws Error for a language that is none of the contract's and no full tag: the agent's schema
 * should have refused it.
 */
export function speechAttributes(speech: SpeechSettings): SpeechAttributes {
  const language = languageTag(speech.language);
  return {
    language,
    // Detecting the language needs these two (twilio.md §5.1).
    ...(language === "multi"
      ? { ttsProvider: "ElevenLabs", transcriptionProvider: "Deepgram" }
      : {}),
    ...voiceAttributes(speech, language),
    // Both defaults changed over the years; the callee must be heard, and able to cut in, also
    // while we speak.
    interruptible: "any",
    reportInputDuringAgentSpeech: "any",
    ignoreBackchannel: "true",
    interruptSensitivity: interruptSensitivity(speech.interruptionSensitivity),
    dtmfDetection: speech.dtmfEnabled ? "true" : "false",
    partialPrompts: "true",
    events: "speaker-events tokens-played",
  };
}

/**
 * Language and voice of a `<Say>` in a language of the contract's, without regard to its region:
 * there the two must fit each other, and each of these pairs is one of Twilio's own. "multi" and
 * others: English.
 */
export function sayVoice(language: string): SpeechAttributes {
  const primary = language.toLowerCase().split("-")[0] ?? "";
  const known = primary !== "multi" && Object.hasOwn(LANGUAGE_TAGS, primary);
  const tag = SAY_TAGS[primary] ?? (known ? languageTag(primary) : "en-US");
  return { language: tag, voice: `Google.${tag}-Standard-A` };
}

/** Where `<Say>` has another name for it. */
const SAY_TAGS: Readonly<Record<string, string>> = { ar: "ar-XA", zh: "cmn-CN" };

/** Keywords as the comma list of `hints`. A comma inside a keyword would make two of it. */
export function formatHints(keywords: readonly string[]): string {
  return keywords
    .map((keyword) => keyword.replaceAll(/[,\s]+/g, " ").trim())
    .filter((keyword) => keyword !== "")
    .join(",");
}

function languageTag(language: string): string {
  if (Object.hasOwn(LANGUAGE_TAGS, language)) return LANGUAGE_TAGS[language] as string;
  if (FULL_TAG.test(language)) return language;
  throw new Error(`no language tag for the language ${JSON.stringify(language)}`);
}

function voiceAttributes(speech: SpeechSettings, language: string): SpeechAttributes {
  const { voiceId } = speech;
  if (voiceId !== null && ELEVENLABS_VOICE.test(voiceId)) {
    return { ttsProvider: "ElevenLabs", voice: tunedVoice(voiceId, speech.speakingRate) };
  }
  if (voiceId !== null && ELEVENLABS_TUNED_VOICE.test(voiceId)) {
    return { ttsProvider: "ElevenLabs", voice: voiceId };
  }
  // The other two makers do not detect languages.
  if (voiceId !== null && language !== "multi" && GOOGLE_VOICE.test(voiceId)) {
    return { ttsProvider: "Google", voice: voiceId };
  }
  if (voiceId !== null && language !== "multi" && AMAZON_VOICE.test(voiceId)) {
    return { ttsProvider: "Amazon", voice: voiceId };
  }
  if (speech.speakingRate === null) return {};
  return {
    ttsProvider: "ElevenLabs",
    voice: tunedVoice(DEFAULT_ELEVENLABS_VOICE, speech.speakingRate),
  };
}

// ElevenLabs' settings ride on the voice: id-model-speed_stability_similarity. The last two are its
// own defaults.
function tunedVoice(voiceId: string, speakingRate: number | null): string {
  if (speakingRate === null) return voiceId;
  const speed = Math.min(Math.max(speakingRate, MIN_SPEED), MAX_SPEED);
  return `${voiceId}-flash_v2_5-${speed.toFixed(2)}_0.5_0.75`;
}

function interruptSensitivity(sensitivity: number): "low" | "medium" | "high" {
  if (sensitivity < 34) return "low";
  return sensitivity < 67 ? "medium" : "high";
}
