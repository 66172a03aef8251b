// Forms as Twilio sends them, in any order and with any extras, become facts or nothing.

import fc from "fast-check";
import { expect, test } from "vitest";

import {
  fieldOf,
  parseConnectEnd,
  parseForm,
  parseMachineCallback,
  parseStatusCallback,
} from "../../../src/carrier/twilio/webhooks.ts";

const dial = { callId: "call_0192f3a4b5c60123456789abcdef0123", dialNumber: 2 };
const now = Date.UTC(2026, 10, 23, 12, 0, 0, 500);
const callSid = `CA${"0".repeat(32)}`;

function status(fields: Readonly<Record<string, string>>) {
  const form = new URLSearchParams({ CallSid: callSid, AccountSid: "AC1", ...fields });
  return parseStatusCallback(parseForm(form.toString()), dial, now);
}

test.each([
  ["queued", "queued"],
  ["initiated", "dialing"],
  ["ringing", "ringing"],
  ["in-progress", "in_progress"],
  ["completed", "completed"],
  ["busy", "busy"],
  ["no-answer", "no_answer"],
  ["failed", "failed"],
  ["canceled", "canceled"],
])("CallStatus %s is %s", (word, ours) => {
  expect(status({ CallStatus: word })).toEqual({
    kind: "status",
    ...dial,
    carrierCallId: callSid,
    at: now,
    source: "callback",
    status: ours,
    durationSeconds: null,
    sipResponseCode: null,
  });
});

test("a final callback tells how long it was, when, and the carrier's own code", () => {
  const event = status({
    CallStatus: "no-answer",
    Timestamp: "Mon, 23 Nov 2026 11:59:58 +0000",
    CallDuration: "0",
    Duration: "0",
    SipResponseCode: "487",
    SequenceNumber: "2",
    CallbackSource: "call-progress-events",
  });
  expect(event).toMatchObject({
    at: Date.UTC(2026, 10, 23, 11, 59, 58),
    durationSeconds: 0,
    sipResponseCode: 487,
  });
});

test.each([
  ["", now],
  ["yesterday", now],
  ["Tue, 31 Aug 2010 20:36:28 +0000", now],
  ["Mon, 23 Nov 2026 12:05:00 +0000", Date.UTC(2026, 10, 23, 12, 5)],
])("the time %j is read as %i", (Timestamp, at) => {
  expect(status({ CallStatus: "ringing", Timestamp })).toMatchObject({ at });
});

test.each<Readonly<Record<string, string>>>([
  { CallStatus: "zen" },
  { CallStatus: "" },
  { CallStatus: "toString" },
  {},
  { CallStatus: "ringing", CallSid: "" },
  { CallStatus: "ringing", CallSid: "CA\u0000" },
  { CallStatus: "ringing", CallSid: "C".repeat(101) },
])("a callback of %j says nothing", (fields) => {
  expect(status(fields)).toBeNull();
});

test.each([
  ["-1", null],
  ["1e3", null],
  ["12.5", null],
  ["9999999999", null],
  ["86400", 86_400],
])("a duration of %s is %j", (CallDuration, durationSeconds) => {
  expect(status({ CallStatus: "completed", CallDuration })).toMatchObject({ durationSeconds });
});

test.each([
  ["human", "human"],
  ["machine_start", "machine"],
  ["machine_end_beep", "machine"],
  ["machine_end_silence", "machine"],
  ["machine_end_other", "machine"],
  ["fax", "fax"],
  ["unknown", "unknown"],
  ["robot", "unknown"],
  ["Machine_start", "unknown"],
])("the verdict %s is %s", (verdict, answeredBy) => {
  const form = parseForm(`AnsweredBy=${verdict}&CallSid=${callSid}&MachineDetectionDuration=3800`);
  expect(parseMachineCallback(form, dial, now)).toEqual({
    kind: "machine_verdict",
    ...dial,
    carrierCallId: callSid,
    at: now,
    source: "callback",
    answeredBy,
    carrierVerdict: verdict,
  });
});

test("a verdict is stored only as far as it is a word", () => {
  const form = parseForm(`CallSid=${callSid}&AnsweredBy=a%00b${"c".repeat(200)}`);
  const event = parseMachineCallback(form, dial, now);
  expect(event).toMatchObject({ answeredBy: "unknown", carrierVerdict: `a b${"c".repeat(47)}` });
});

test("no verdict, no event", () => {
  expect(parseMachineCallback(parseForm(`CallSid=${callSid}`), dial, now)).toBeNull();
  expect(parseMachineCallback(parseForm("AnsweredBy=human"), dial, now)).toBeNull();
});

test("a repeated field keeps every value and reads as the first", () => {
  const form = parseForm("A=1&B=&A=2&A=1&__proto__=x");
  expect(form["A"]).toEqual(["1", "2", "1"]);
  expect(fieldOf(form, "A")).toBe("1");
  expect(fieldOf(form, "B")).toBeNull();
  expect(fieldOf(form, "missing")).toBeNull();
  expect(fieldOf(form, "__proto__")).toBe("x");
  expect(fieldOf(form, "toString")).toBeNull();
});

test("the end of a conversation's socket, whole and in part", () => {
  const form = new URLSearchParams({
    SessionStatus: "failed",
    SessionId: "VX1",
    ErrorCode: "64105",
    ErrorMessage: "Websocket\u0000ended",
  });
  expect(parseConnectEnd(parseForm(form.toString()))).toEqual({
    sessionStatus: "failed",
    sessionId: "VX1",
    errorCode: "64105",
    errorMessage: "Websocket ended",
  });
  expect(parseConnectEnd(parseForm(""))).toEqual({
    sessionStatus: null,
    sessionId: null,
    errorCode: null,
    errorMessage: null,
  });
});

test("no body makes a parser throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (body) => {
      const form = parseForm(body);
      parseStatusCallback(form, dial, now);
      parseMachineCallback(form, dial, now);
      expect(parseConnectEnd(form)).toBeDefined();
    }),
  );
});
