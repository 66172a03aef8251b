// The wire of ConversationRelay: real shapes in, tolerant where the documents disagree, never a
// throw.

import fc from "fast-check";
import { expect, test } from "vitest";

import {
  MAX_RELAY_FRAME_CHARACTERS,
  formatRelayCommand,
  parseRelayCommand,
  parseRelayFrame,
} from "../../../src/carrier/twilio/relay-frames.ts";

const setup = {
  type: "setup",
  sessionId: "VX00000000000000000000000000000001",
  accountSid: "AC00000000000000000000000000000001",
  parentCallSid: "",
  callSid: "CA00000000000000000000000000000001",
  from: "+12025550100",
  to: "+12025550123",
  forwardedFrom: "",
  callType: "PSTN",
  callerName: "",
  direction: "outbound-api",
  callStatus: "IN_PROGRESS",
  customParameters: { callId: "call_1" },
};

function frameOf(value: unknown) {
  const parsed = parseRelayFrame(JSON.stringify(value));
  if (parsed.kind !== "frame") throw new Error(`expected a frame, got ${JSON.stringify(parsed)}`);
  return parsed.frame;
}

test("a setup is read whole", () => {
  expect(frameOf(setup)).toEqual(setup);
});

test("a setup without what nobody needs is still a setup", () => {
  const { type, sessionId, accountSid, callSid } = setup;
  const frame = frameOf({ type, sessionId, accountSid, callSid, extra: { deep: [1] } });
  expect(frame).toMatchObject({ callSid, customParameters: {}, callStatus: "" });
});

test("a prompt is final unless it says otherwise", () => {
  const prompt = { type: "prompt", voicePrompt: "Hello", lang: "en-US" };
  expect(frameOf({ ...prompt, last: false })).toMatchObject({ last: false });
  expect(frameOf({ ...prompt, last: "false" })).toMatchObject({ last: false });
  expect(frameOf(prompt)).toMatchObject({ voicePrompt: "Hello", last: true });
});

test.each([
  [460, 460],
  ["460", 460],
  [460.5, 460.5],
  [null, null],
  [undefined, null],
])("the duration of an interrupt %j is read as %j", (sent, read) => {
  const frame = frameOf({
    type: "interrupt",
    utteranceUntilInterrupt: "Life is a",
    durationUntilInterruptMs: sent,
  });
  expect(frame).toMatchObject({
    utteranceUntilInterrupt: "Life is a",
    durationUntilInterruptMs: read,
  });
});

test("info frames are read by name, unknown names are unknown", () => {
  expect(frameOf({ type: "info", name: "agentSpeaking", value: "on" })).toMatchObject({
    value: "on",
  });
  expect(frameOf({ type: "info", name: "tokensPlayed", value: "Hello." })).toMatchObject({
    value: "Hello.",
  });
  expect(parseRelayFrame('{"type":"info","name":"latency","value":3}')).toEqual({
    kind: "unknown",
    type: "info latency",
  });
});

test.each(["connected", "toString", "__proto__", "text"])(
  "a message of type %s is unknown",
  (type) => {
    expect(parseRelayFrame(`{"type":"${type}"}`)).toEqual({ kind: "unknown", type });
  },
);

test.each([
  ["{", "is not JSON"],
  ["[]", "is not a JSON object"],
  ["null", "is not a JSON object"],
  ['"setup"', "is not a JSON object"],
  ["{}", "has no type"],
  ['{"type":7}', "has no type"],
  ['{"type":"dtmf","digit":"12"}', "dtmf: field digit"],
  ['{"type":"setup","sessionId":"VX1","accountSid":"AC1"}', "setup: field callSid"],
  ['{"type":"prompt"}', "prompt: field voicePrompt"],
  [`{"type":"prompt","voicePrompt":"${"x".repeat(MAX_RELAY_FRAME_CHARACTERS)}"}`, "is longer than"],
])("%.60s is invalid", (text, reason) => {
  const parsed = parseRelayFrame(text);
  expect(parsed.kind === "invalid" ? parsed.reason : parsed.kind).toContain(reason);
});

test("no text makes a parser throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(["frame", "unknown", "invalid"]).toContain(parseRelayFrame(text).kind);
      expect(["command", "unknown", "invalid"]).toContain(parseRelayCommand(text).kind);
    }),
  );
});

test.each([
  { type: "text", token: " kept ", last: false } as const,
  { type: "text", token: "", last: true, interruptible: "any", preemptible: true } as const,
  { type: "play", source: "https://example.com/tone.mp3", loop: 0 } as const,
  { type: "sendDigits", digits: "1w2#*" } as const,
  { type: "language", ttsLanguage: "es-ES" } as const,
  { type: "end", handoffData: '{"reason":"completed"}' } as const,
])("a command survives the wire: %j", (command) => {
  expect(parseRelayCommand(formatRelayCommand(command))).toEqual({ kind: "command", command });
});

test.each([
  ['{"type":"text"}', "text: field token"],
  ['{"type":"sendDigits","digits":"A"}', "sendDigits: field digits"],
  ['{"type":"language"}', "names no language"],
])("a malformed command %s is invalid", (text, reason) => {
  const parsed = parseRelayCommand(text);
  expect(parsed.kind === "invalid" ? parsed.reason : parsed.kind).toContain(reason);
});
