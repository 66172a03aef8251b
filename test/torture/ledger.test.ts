// The ledger sees what it is there to see: each planted wrong is a broken rule, and a clean day has
// none.

import { expect, test } from "vitest";
import { CallBooks } from "../../src/simulator/carrier-model/call-books.ts";
import {
  createCallRecord,
  moveCall,
  type Call,
  type CallStatus,
} from "../../src/simulator/carrier-model/call.ts";
import type { CreateRecord } from "../../src/simulator/carrier-model/create-record.ts";
import { parseCreateCallRequest } from "../../src/simulator/carrier-model/create-call-request.ts";
import { drawLedger, type Evidence } from "./ledger.ts";
import type { CallRow, RecipientRow } from "./torture-tables.ts";

const PHONE = "+12125550100";
const FROM = "+12025550100";

function carrierCall(sid: string, createdAt: number, ...steps: readonly CallStatus[]): Call {
  const form = new URLSearchParams({ To: PHONE, From: FROM, Twiml: "<Response/>" });
  const request = parseCreateCallRequest(form);
  if ("kind" in request) throw new Error(request.kind);
  const ids = { sid, accountSid: "AC1", to: PHONE, from: FROM, numberSid: null, request };
  const direction = "outbound-api";
  const call = createCallRecord({ ...ids, direction, createdAt, listedAt: createdAt });
  for (const [index, status] of steps.entries())
    moveCall(call, status, createdAt + 10 * (index + 1));
  return call;
}

const TALKED = ["ringing", "in-progress", "completed"] as const;
const REACHED: RecipientRow = {
  phone: PHONE,
  state: "reached",
  reason: null,
  settled: true,
  unknownDials: 0,
};
const CALL: CallRow = {
  id: "call_1",
  to: PHONE,
  status: "completed",
  open: false,
  dialNumber: 1,
  carrierCallId: "CA1",
};

const AMBIGUOUS: CreateRecord = {
  arrivedAt: 0,
  accountSid: "AC1",
  to: PHONE,
  from: FROM,
  callSid: "CA9",
  answerStatus: null,
  errorCode: null,
  fault: "hang_after_accept",
};

function brokenRules(
  calls: readonly Call[],
  changed: {
    readonly recipient?: Partial<RecipientRow> | null;
    readonly call?: Partial<CallRow>;
    readonly evidence?: Partial<Evidence>;
    readonly heldSlots?: number;
    /** A create that the carrier took and did not answer. */
    readonly hasAmbiguousCreate?: boolean;
  } = {},
): readonly string[] {
  const books = new CallBooks(100);
  for (const call of calls) books.addCall(call);
  if (changed.hasAmbiguousCreate === true) books.addCreate(AMBIGUOUS);
  const { recipient } = changed;
  const ledger = drawLedger({
    phones: [PHONE],
    books,
    tables: {
      recipients: recipient === null ? [] : [{ ...REACHED, ...recipient }],
      calls: [{ ...CALL, ...changed.call }],
      heldSlots: changed.heldSlots ?? 0,
      recordedPlacings: new Set(["CA1"]),
    },
    ambushes: [],
    limits: { concurrentCalls: 1, callsPerSecond: 5 },
    mostCreatesInOneSecond: 5,
    observerLagMs: 0,
    ...changed.evidence,
  });
  return ledger.broken.map((line) => line.split(":", 1)[0] ?? "");
}

test("a day on which everybody was called once is clean", () => {
  expect(brokenRules([carrierCall("CA1", 0, ...TALKED)])).toEqual([]);
});

test("a second call is seen, and one that was taken back before it rang is not counted", () => {
  const one = carrierCall("CA1", 0, ...TALKED);
  expect(brokenRules([one, carrierCall("CA0", 100, "canceled")])).toEqual([]);
  expect(brokenRules([one, carrierCall("CA0", 100, "ringing", "no-answer")])).toEqual([
    "called more often than allowed",
    "a carrier call that is nobody's",
  ]);
});

test("two calls open at once are seen, whatever became of them", () => {
  const two = [carrierCall("CA1", 0, ...TALKED), carrierCall("CA0", 5, "canceled")];
  expect(brokenRules(two)).toContain("called more often than allowed");
  expect(brokenRules(two).some((rule) => rule.startsWith("2 calls open at once"))).toBe(true);
});

test("people who are on no list, or were never called, are lost", () => {
  expect(brokenRules([carrierCall("CA1", 0, ...TALKED)], { recipient: null })).toEqual(["lost"]);
  expect(brokenRules([])).toEqual(["lost"]);
  expect(brokenRules([carrierCall("CA1", 0, "ringing", "no-answer")])).toEqual(["lost"]);
});

test("what is not settled, open or holds a slot is stuck", () => {
  const calls = [carrierCall("CA1", 0, ...TALKED)];
  const waiting = { state: "waiting", settled: false };
  expect(brokenRules(calls, { recipient: waiting })).toEqual(["stuck"]);
  expect(brokenRules(calls, { call: { open: true } })).toEqual(["stuck"]);
  expect(brokenRules(calls, { heldSlots: 1 })).toEqual(["stuck"]);
});

test("an uncertain recipient needs a request whose fate nobody could know", () => {
  const uncertain = { state: "uncertain", reason: "two requests stayed without an answer" };
  const recipient = { ...uncertain, unknownDials: 2 };
  expect(brokenRules([], { recipient, hasAmbiguousCreate: true })).toEqual([]);
  expect(brokenRules([], { recipient })).toEqual([
    "1 are uncertain, only 0 creates were ambiguous",
  ]);
  expect(brokenRules([], { recipient: uncertain, hasAmbiguousCreate: true })).toEqual([
    "uncertain without an ambiguous create",
  ]);
});

test("more creates in a second than the pace allows are seen", () => {
  const calls = [carrierCall("CA1", 0, ...TALKED)];
  const evidence = { mostCreatesInOneSecond: 6 };
  expect(brokenRules(calls, { evidence })).toEqual(["6 creates in a second, the pace is 5"]);
  expect(brokenRules(calls, { evidence: { ...evidence, observerLagMs: 200 } })).toEqual([]);
});
