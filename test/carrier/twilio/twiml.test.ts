// The markup word for word: Twilio drops attributes it does not know without a word, so their exact
// case is asserted.

import fc from "fast-check";
import { expect, test } from "vitest";

import { callbackAddresses } from "../../../src/carrier/twilio/callback-addresses.ts";
import {
  MAX_TWIML_CHARACTERS,
  formatConversationTwiml,
} from "../../../src/carrier/twilio/twiml.ts";
import { sayVoice } from "../../../src/carrier/twilio/speech-attributes.ts";
import type { SpeechSettings } from "../../../src/ports/carrier.ts";

const dial = { callId: "call_0192f3a4b5c60123456789abcdef0123", dialNumber: 3 };
const addresses = callbackAddresses("https://example.com", dial);

const plain: SpeechSettings = {
  language: "en",
  voiceId: null,
  speakingRate: null,
  interruptionSensitivity: 50,
  boostedKeywords: [],
  dtmfEnabled: false,
};

function twimlFor(speech: Partial<SpeechSettings>, isRecorded = false): string {
  return formatConversationTwiml(dial, addresses, { speech: { ...plain, ...speech }, isRecorded });
}

test("a plain call's markup, whole", () => {
  expect(twimlFor({})).toBe(
    [
      "<Response>",
      `<Connect action="https://example.com/twilio/calls/${dial.callId}/3/connect-action`,
      '#rc=2&amp;rp=ct,rt,5xx&amp;rt=5000">',
      `<ConversationRelay url="wss://example.com/twilio/relay/${dial.callId}/3" language="en-US"`,
      ' interruptible="any" reportInputDuringAgentSpeech="any" ignoreBackchannel="true" interruptSensitivity="medium"',
      ' dtmfDetection="false" partialPrompts="true" events="speaker-events tokens-played">',
      `<Parameter name="callId" value="${dial.callId}"/><Parameter name="dialNumber" value="3"/>`,
      "</ConversationRelay></Connect></Response>",
    ].join(""),
  );
});

test("a call that is to be recorded starts its recording before anything else, and reports it", () => {
  const start =
    `<Start><Recording channels="dual" trim="do-not-trim" recordingStatusCallback="https://example.com/twilio/calls/` +
    `${dial.callId}/3/recording#rc=5&amp;rp=ct,rt,5xx&amp;rt=4000" recordingStatusCallbackEvent="completed absent"/></Start>`;
  expect(twimlFor({}, true)).toBe(twimlFor({}).replace("<Response>", `<Response>${start}`));
  expect(twimlFor({})).not.toContain("Recording");
});

test("the markup never greets: the conversation does", () => {
  expect(twimlFor({})).not.toContain("welcomeGreeting");
});

test.each([
  ["multi", 'language="multi" ttsProvider="ElevenLabs" transcriptionProvider="Deepgram"'],
  ["en", 'language="en-US"'],
  ["es", 'language="es-ES"'],
  ["fr", 'language="fr-FR"'],
  ["de", 'language="de-DE"'],
  ["it", 'language="it-IT"'],
  ["pt", 'language="pt-BR"'],
  ["nl", 'language="nl-NL"'],
  ["hi", 'language="hi-IN"'],
  ["ru", 'language="ru-RU"'],
  ["ja", 'language="ja-JP"'],
  ["ar", 'language="ar-SA"'],
  ["he", 'language="he-IL"'],
  ["ko", 'language="ko-KR"'],
  ["zh", 'language="zh-CN"'],
  ["pl", 'language="pl-PL"'],
  ["en-GB", 'language="en-GB"'],
])("the language %s becomes %s", (language, attributes) => {
  expect(twimlFor({ language })).toContain(attributes);
});

test.each(["klingon", "toString", "", 'en" x="'])("the language %j is refused", (language) => {
  expect(() => twimlFor({ language })).toThrow("no language tag");
});

test.each<[Partial<SpeechSettings>, string | null]>([
  [{ voiceId: "UgBBYS2sOqTuMpoF3BR0" }, 'ttsProvider="ElevenLabs" voice="UgBBYS2sOqTuMpoF3BR0"'],
  [
    { voiceId: "UgBBYS2sOqTuMpoF3BR0", speakingRate: 1.1 },
    'voice="UgBBYS2sOqTuMpoF3BR0-flash_v2_5-1.10_0.5_0.75"',
  ],
  [{ voiceId: "Ashley", speakingRate: 1.5 }, "-flash_v2_5-1.20_0.5_0.75"],
  [{ voiceId: "Ashley", speakingRate: 0.5 }, "-flash_v2_5-0.70_0.5_0.75"],
  [{ voiceId: "en-US-Journey-O" }, 'ttsProvider="Google" voice="en-US-Journey-O"'],
  [{ voiceId: "Joanna-Neural" }, 'ttsProvider="Amazon" voice="Joanna-Neural"'],
  [{ voiceId: "Ashley" }, null],
])("the voice of %j is %s", (speech, attributes) => {
  const twiml = twimlFor(speech);
  if (attributes === null) expect(twiml).not.toContain("voice=");
  else expect(twiml).toContain(attributes);
});

test("a voice that cannot detect languages is not used for multi", () => {
  expect(twimlFor({ language: "multi", voiceId: "Joanna-Neural" })).not.toContain("Joanna");
});

test.each([
  [0, "low"],
  [33, "low"],
  [34, "medium"],
  [66, "medium"],
  [67, "high"],
  [100, "high"],
])("sensitivity %i is %s", (interruptionSensitivity, word) => {
  expect(twimlFor({ interruptionSensitivity })).toContain(`interruptSensitivity="${word}"`);
});

test("keys pressed are reported when asked for", () => {
  expect(twimlFor({ dtmfEnabled: true })).toContain('dtmfDetection="true"');
});

test("keywords become hints, escaped, with no comma of their own", () => {
  const twiml = twimlFor({ boostedKeywords: ["AT&T", ' "Foo",  <Bar>\n', "", "O'Neil"] });
  expect(twiml).toContain('hints="AT&amp;T,&quot;Foo&quot; &lt;Bar&gt;,O&apos;Neil"');
});

test("keywords that do not fit are left out, the rest of the markup stays", () => {
  const boostedKeywords = Array.from({ length: 50 }, (_, index) => `${index} ${"&".repeat(40)}`);
  const twiml = twimlFor({ boostedKeywords });
  expect(twiml.length).toBeLessThanOrEqual(MAX_TWIML_CHARACTERS);
  expect(twiml).toContain('hints="0 ');
  expect(twiml).not.toContain("49 &amp;");
  expect(twiml).toMatch(/<\/ConversationRelay><\/Connect><\/Response>$/);
});

test("whatever the keywords hold, the markup fits and holds no bare special character", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary", maxLength: 300 }), { maxLength: 50 }),
      (words) => {
        const twiml = twimlFor({ boostedKeywords: words });
        expect(twiml.length).toBeLessThanOrEqual(MAX_TWIML_CHARACTERS);
        const hints = / hints="([^"]*)"/.exec(twiml)?.[1] ?? "";
        expect(hints).not.toMatch(/[<>\n\t\0]|&(?!amp;|lt;|gt;|quot;|apos;)/);
      },
    ),
  );
});

test("a public URL too long for any markup is an assertion", () => {
  const far = callbackAddresses(`https://example.com/${"x".repeat(4000)}`, dial);
  expect(() => formatConversationTwiml(dial, far, { speech: plain, isRecorded: false })).toThrow(
    /more than 4000/,
  );
});

test.each([
  ["multi", "en-US"],
  ["en-GB", "en-US"],
  ["pt", "pt-BR"],
  ["ar", "ar-XA"],
  ["zh-TW", "cmn-CN"],
  ["he", "he-IL"],
  ["tlh", "en-US"],
])("a sentence in %s is said in %s", (language, tag) => {
  expect(sayVoice(language)).toEqual({ language: tag, voice: `Google.${tag}-Standard-A` });
});
