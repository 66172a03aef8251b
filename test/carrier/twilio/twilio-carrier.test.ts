// The Carrier port against a server that speaks Twilio's REST as documented, and as it breaks. Every outcome is checked
// together with what went over the wire.

import { afterEach, expect, test, vi } from "vitest";

import { createTwilioCarrier } from "../../../src/carrier/twilio/twilio-carrier.ts";
import type { TwilioCarrier } from "../../../src/carrier/twilio/twilio-carrier.ts";
import type { E164 } from "../../../src/domain/phone.ts";
import type { DialOrder, DialSlotOfTime } from "../../../src/ports/carrier.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { answer, startRawServer } from "./raw-http-server.ts";
import type { Behaviour, RawServer, SeenRequest } from "./raw-http-server.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const accountSid = `AC${"0".repeat(31)}1`;
const credentials = { carrierAccountId: accountSid, authToken: "a-token" };
const callSid = `CA${"0".repeat(31)}7`;
const to = "+12025550123" as E164;
const from = "+12025550100" as E164;
const order: DialOrder = {
  callId: "call_0192f3a4b5c60123456789abcdef0123",
  dialNumber: 2,
  to,
  from,
  ringTimeoutSeconds: 30,
  maxCallDurationSeconds: 600,
  detectMachine: true,
  speech: {
    language: "en",
    voiceId: null,
    speakingRate: null,
    interruptionSensitivity: 50,
    boostedKeywords: [],
    dtmfEnabled: false,
  },
};

// The installation's clock is far from this machine's, as it may be.
const CLOCK_AHEAD_MS = 3_600_000;
const clock: Clock = {
  now: () => Date.now() + CLOCK_AHEAD_MS,
  monotonicMs: () => performance.now(),
  state: () => ({ kind: "steady" }),
};
const logged: unknown[] = [];
const log = {
  debug: (...line: unknown[]) => logged.push(line),
  info: (...line: unknown[]) => logged.push(line),
  warn: (...line: unknown[]) => logged.push(line),
};

function soon(): DialSlotOfTime {
  return { notBeforeAt: clock.now(), notAfterAt: clock.now() + 10_000 };
}

function carrierAt(baseUrl: string): TwilioCarrier {
  const carrier = createTwilioCarrier({
    baseUrl,
    publicUrl: "https://calls.example.com",
    clock,
    log,
  });
  cleanUps.push(() => carrier.close());
  return carrier;
}

async function against(
  behave: Behaviour,
): Promise<{ readonly carrier: TwilioCarrier; readonly server: RawServer }> {
  const server = await startRawServer(behave);
  cleanUps.push(() => server.close());
  return { server, carrier: carrierAt(server.origin) };
}

const base = `/2010-04-01/Accounts/${accountSid}`;

function callJson(over: Readonly<Record<string, unknown>> = {}) {
  return {
    sid: callSid,
    account_sid: accountSid,
    to,
    from,
    status: "queued",
    direction: "outbound-api",
    date_created: "Tue, 31 Aug 2010 20:36:28 +0000",
    start_time: null,
    end_time: null,
    duration: null,
    answered_by: null,
    queue_time: "0",
    ...over,
  };
}

function errorJson(code: number, status: number) {
  return { code, message: `error ${code}`, more_info: "https://example.com", status };
}

function form(request: SeenRequest | undefined): URLSearchParams {
  return new URLSearchParams(request?.body);
}

test("place: one request with every parameter, answered by the call's id and queue time", async () => {
  const { carrier, server } = await against((_request, socket) => {
    answer(socket, 201, callJson({ queue_time: "1500" }), "Twilio-Request-Id: RQ42\r\n");
  });
  const outcome = await carrier.place(credentials, order, soon());
  expect(outcome).toEqual({ kind: "placed", carrierCallId: callSid, queueTimeMs: 1500 });
  expect(server.requests).toHaveLength(1);
  const request = server.requests[0]!;
  expect(request).toMatchObject({ method: "POST", path: `${base}/Calls.json` });
  const basic = Buffer.from(`${accountSid}:a-token`).toString("base64");
  expect(request.text).toContain(`authorization: Basic ${basic}\r\n`);
  const fields = form(request);
  const { Twiml, ...rest } = Object.fromEntries(fields);
  const callbacks = `https://calls.example.com/twilio/calls/${order.callId}/2`;
  expect(rest).toEqual({
    To: to,
    From: from,
    StatusCallback: `${callbacks}/status#rc=5&rp=ct,rt,5xx&rt=4000`,
    StatusCallbackMethod: "POST",
    StatusCallbackEvent: "completed",
    Timeout: "30",
    TimeLimit: "600",
    MachineDetection: "Enable",
    AsyncAmd: "true",
    AsyncAmdStatusCallback: `${callbacks}/amd#rc=5&rp=ct,rt,5xx&rt=4000`,
    AsyncAmdStatusCallbackMethod: "POST",
  });
  expect(fields.getAll("StatusCallbackEvent")).toEqual([
    "initiated",
    "ringing",
    "answered",
    "completed",
  ]);
  expect(Twiml).toContain(`url="wss://calls.example.com/twilio/relay/${order.callId}/2"`);
  expect(JSON.stringify(logged)).toContain("RQ42");
  expect(JSON.stringify(logged)).not.toMatch(/a-token|2025550/);
});

test("place without detection asks for none", async () => {
  const { carrier, server } = await against((_r, socket) => answer(socket, 201, callJson()));
  await carrier.place(credentials, { ...order, detectMachine: false }, soon());
  expect([...form(server.requests[0]).keys()].join()).not.toMatch(/Machine|Amd/);
});

test("place keeps its slot on the installation's clock", async () => {
  const { carrier, server } = await against((_r, socket) => answer(socket, 201, callJson()));
  const early = performance.now();
  const now = clock.now();
  await carrier.place(credentials, order, { notBeforeAt: now + 60, notAfterAt: now + 10_000 });
  // One millisecond for the rounding of the wall clock.
  expect(server.requests[0]!.receivedAtMs).toBeGreaterThanOrEqual(early + 59);
  const late = await carrier.place(credentials, order, {
    notBeforeAt: now - 2_000,
    notAfterAt: now - 1_000,
  });
  expect(late).toMatchObject({ kind: "refused", refusal: { class: "unsent", carrierCode: null } });
  expect(server.requests).toHaveLength(1);
});

test.each([
  [400, 21211, "recipient_invalid"],
  [400, 21216, "recipient_not_permitted"],
  [400, 21210, "from_number"],
  [401, 20003, "account"],
  [429, 20429, "throttled"],
  [400, 22005, "carrier_full"],
  [400, 21219, "trial_limit"],
  [400, 21999, "configuration"],
])("place answered %i with %i is refused as %s", async (status, code, refusalClass) => {
  const { carrier, server } = await against((_request, socket) => {
    answer(socket, status, errorJson(code, status));
  });
  expect(await carrier.place(credentials, order, soon())).toEqual({
    kind: "refused",
    refusal: {
      class: refusalClass,
      carrierCode: code,
      message: `Twilio answered ${status} ${code}: error ${code}`,
    },
  });
  expect(server.requests).toHaveLength(1);
});

test.each<[string, Behaviour]>([
  ["500", (_request, socket) => answer(socket, 500, errorJson(20500, 500))],
  ["503 with a page", (_request, socket) => answer(socket, 503, "<html>busy</html>")],
  ["no answer but a reset", (_request, socket) => socket.resetAndDestroy()],
  ["success that is no JSON", (_request, socket) => answer(socket, 201, "<html>")],
  ["success without a call", (_request, socket) => answer(socket, 201, {})],
  ["success that is null", (_request, socket) => answer(socket, 201, null)],
])("place answered by %s is unknown, and asked once", async (_name, behave) => {
  const { carrier, server } = await against(behave);
  expect(await carrier.place(credentials, order, soon())).toMatchObject({ kind: "unknown" });
  expect(server.requests).toHaveLength(1);
});

test("place with nobody there is unsent", async () => {
  const server = await startRawServer(() => undefined);
  await server.close();
  expect(await carrierAt(server.origin).place(credentials, order, soon())).toMatchObject({
    kind: "refused",
    refusal: { class: "unsent", carrierCode: null },
  });
});

test("what cannot be asked at all is our configuration", async () => {
  const { carrier, server } = await against(() => undefined);
  const oddAccount = { ...credentials, carrierAccountId: "SK1" };
  const oddSpeech = { ...order, speech: { ...order.speech, language: "klingon" } };
  for (const outcome of [
    await carrier.place(oddAccount, order, soon()),
    await carrier.place(credentials, oddSpeech, soon()),
  ]) {
    expect(outcome).toMatchObject({ kind: "refused", refusal: { class: "configuration" } });
  }
  expect(server.bytesByConnection).toEqual([]);
});

test("region and edge in the environment leave another base URL alone", async () => {
  vi.stubEnv("TWILIO_REGION", "au1");
  vi.stubEnv("TWILIO_EDGE", "sydney");
  const { server } = await against((_r, socket) => answer(socket, 201, callJson()));
  const carrier = carrierAt(`${server.origin}/some/prefix/`);
  expect(await carrier.place(credentials, order, soon())).toMatchObject({ kind: "placed" });
  expect(server.requests[0]?.path).toBe(`/some/prefix${base}/Calls.json`);
});

test.each([
  ["cancel", "canceled"],
  ["hang_up", "completed"],
] as const)("end by %s asks for %s", async (how, status) => {
  const { carrier, server } = await against((_r, socket) => answer(socket, 200, callJson()));
  expect(await carrier.end(credentials, callSid, how)).toEqual({ kind: "accepted" });
  expect(server.requests[0]?.path).toBe(`${base}/Calls/${callSid}.json`);
  expect(Object.fromEntries(form(server.requests[0]))).toEqual({ Status: status });
});

test.each([
  [400, 21220, { kind: "too_late" }, 1],
  [404, 20404, { kind: "absent" }, 1],
  [401, 20003, { kind: "failed", reason: "Twilio answered 401 20003: error 20003" }, 1],
  [429, 20429, { kind: "failed", reason: "Twilio answered 429 20429: error 20429" }, 1],
  [500, 20500, { kind: "failed", reason: "Twilio answered 500 20500: error 20500" }, 2],
])("end answered %i with %i is %j after %i requests", async (status, code, outcome, requests) => {
  const { carrier, server } = await against((_request, socket) => {
    answer(socket, status, errorJson(code, status));
  });
  expect(await carrier.end(credentials, callSid, "hang_up")).toEqual(outcome);
  expect(server.requests).toHaveLength(requests);
});

test("a hang-up whose answer was lost is asked once more", async () => {
  const { carrier, server } = await against((_request, socket) => {
    if (server.requests.length === 1) socket.resetAndDestroy();
    else answer(socket, 200, callJson());
  });
  expect(await carrier.end(credentials, callSid, "hang_up")).toEqual({ kind: "accepted" });
  expect(server.requests).toHaveLength(2);
});

test("look up: words and dates become ours", async () => {
  const { carrier } = await against((_request, socket) => {
    answer(
      socket,
      200,
      callJson({ status: "completed", duration: "42", answered_by: "machine_start" }),
    );
  });
  expect(await carrier.lookUp(credentials, callSid)).toEqual({
    kind: "found",
    call: {
      carrierCallId: callSid,
      to,
      from,
      status: "completed",
      answeredBy: "machine",
      createdAt: Date.UTC(2010, 7, 31, 20, 36, 28),
      durationSeconds: 42,
      isOutboundApi: true,
    },
  });
});

test.each([
  ["queued", "queued"],
  ["ringing", "ringing"],
  ["in-progress", "in_progress"],
  ["busy", "busy"],
  ["no-answer", "no_answer"],
  ["failed", "failed"],
  ["canceled", "canceled"],
])("a call that is %s is %s, with nothing made up", async (word, status) => {
  const { carrier } = await against((_request, socket) => {
    answer(socket, 200, callJson({ status: word, date_created: null, direction: "inbound" }));
  });
  expect(await carrier.lookUp(credentials, callSid)).toMatchObject({
    kind: "found",
    call: {
      status,
      createdAt: null,
      durationSeconds: null,
      answeredBy: null,
      isOutboundApi: false,
    },
  });
});

test.each<[string, Behaviour, string]>([
  ["404", (_r, socket) => answer(socket, 404, errorJson(20404, 404)), "absent"],
  ["500", (_r, socket) => answer(socket, 500, errorJson(20500, 500)), "failed"],
  ["401", (_r, socket) => answer(socket, 401, errorJson(20003, 401)), "failed"],
  ["a reset", (_r, socket) => socket.resetAndDestroy(), "failed"],
  ["a new word", (_r, socket) => answer(socket, 200, callJson({ status: "zen" })), "failed"],
])("look up answered by %s is %s", async (_name, behave, kind) => {
  const { carrier } = await against(behave);
  expect(await carrier.lookUp(credentials, callSid)).toMatchObject({ kind });
});

// Pages of `calls`, as Twilio's list serves them.
function pages(all: readonly unknown[], pageSize: number): Behaviour {
  return (request, socket) => {
    const query = new URL(request.path, "http://x").searchParams;
    const page = Number(query.get("Page") ?? 0);
    const isLast = (page + 1) * pageSize >= all.length;
    answer(socket, 200, {
      calls: all.slice(page * pageSize, (page + 1) * pageSize),
      next_page_uri: isLast
        ? null
        : `${base}/Calls.json?To=${encodeURIComponent(to)}&Page=${page + 1}`,
      page,
      page_size: pageSize,
    });
  };
}

test("list reads every page of the pair's calls", async () => {
  const all = Array.from({ length: 7 }, (_, index) => callJson({ sid: `CA${index}` }));
  const { carrier, server } = await against(pages(all, 3));
  const outcome = await carrier.list(credentials, { to, from });
  if (outcome.kind !== "listed") throw new Error(outcome.reason);
  expect(outcome.calls.map((call) => call.carrierCallId)).toEqual(all.map((call) => call.sid));
  expect(server.requests).toHaveLength(3);
  const query = new URL(server.requests[0]!.path, "http://x").searchParams;
  expect(Object.fromEntries(query)).toEqual({ To: to, From: from, PageSize: "500" });
});

test("a list that does not end, or breaks, is failed and never short", async () => {
  const endless = await against(
    pages(
      Array.from({ length: 100 }, () => callJson()),
      1,
    ),
  );
  expect(await endless.carrier.list(credentials, { to, from })).toMatchObject({ kind: "failed" });
  const all = pages(
    Array.from({ length: 4 }, () => callJson()),
    2,
  );
  const breaking = await against((request, socket) => {
    if (request.path.includes("Page=1")) answer(socket, 500, errorJson(20500, 500));
    else all(request, socket);
  });
  expect(await breaking.carrier.list(credentials, { to, from })).toMatchObject({ kind: "failed" });
});

test.each([
  [[], "busy"],
  [[{ error_code: "21219" }], "busy"],
  [[{ error_code: "11200" }, { error_code: "10004", message_text: null }], "concurrency"],
  [[{ error_code: 10004 }], "concurrency"],
])("busy with the notifications %j is %s", async (notifications, explanation) => {
  const { carrier, server } = await against((_request, socket) => {
    answer(socket, 200, { notifications, next_page_uri: null });
  });
  expect(await carrier.explainBusy(credentials, callSid)).toBe(explanation);
  expect(server.requests[0]?.path).toContain(`${base}/Calls/${callSid}/Notifications.json`);
});

test("a busy that nobody can explain is failed", async () => {
  const { carrier } = await against((_r, socket) => answer(socket, 500, errorJson(20500, 500)));
  expect(await carrier.explainBusy(credentials, callSid)).toBe("failed");
});

test.each([
  ["active", "Trial", { kind: "verified", accountType: "trial", maxConcurrentCalls: 5 }],
  ["active", "Full", { kind: "verified", accountType: "full", maxConcurrentCalls: null }],
  ["suspended", "Full", { kind: "rejected", reason: "suspended" }],
  ["closed", "Full", { kind: "rejected", reason: "closed" }],
])("an account that is %s and %s is %j", async (status, type, check) => {
  const { carrier, server } = await against((_request, socket) => {
    answer(socket, 200, { sid: accountSid, status, type, friendly_name: "x" });
  });
  expect(await carrier.checkAccount(credentials)).toMatchObject(check);
  expect(server.requests[0]?.path).toBe(`${base}.json`);
});

test.each([
  [401, 20003, { kind: "rejected", reason: "credentials" }],
  [404, 20404, { kind: "rejected", reason: "credentials" }],
  [403, 20005, { kind: "rejected", reason: "suspended" }],
  [401, 10001, { kind: "rejected", reason: "suspended" }],
  [429, 20429, { kind: "failed" }],
  [500, 20500, { kind: "failed" }],
])("an account answered %i with %i is %j", async (status, code, check) => {
  const { carrier } = await against((_request, socket) => {
    answer(socket, status, errorJson(code, status));
  });
  expect(await carrier.checkAccount(credentials)).toMatchObject(check);
});

test("an API key's id is refused before anything is asked", async () => {
  const { carrier, server } = await against(() => undefined);
  expect(await carrier.checkAccount({ ...credentials, carrierAccountId: "SK1" })).toMatchObject({
    kind: "rejected",
    reason: "credentials",
  });
  expect(server.bytesByConnection).toEqual([]);
});

// Which numbers the account owns, and which it only verified.
function numbers(owned: readonly unknown[], verified: readonly unknown[]): Behaviour {
  return (request, socket) => {
    if (request.path.includes("/IncomingPhoneNumbers.json")) {
      answer(socket, 200, { incoming_phone_numbers: owned, next_page_uri: null });
    } else {
      answer(socket, 200, { outgoing_caller_ids: verified, next_page_uri: null });
    }
  };
}
const voice = { voice: true, sms: true };

test.each<[string, readonly unknown[], readonly unknown[], unknown]>([
  [
    "owned",
    [{ sid: "PN1", phone_number: from, capabilities: voice }],
    [],
    { kind: "owned", carrierNumberId: "PN1", canCall: true },
  ],
  [
    "owned for text only",
    [{ sid: "PN1", phone_number: from, capabilities: { voice: false } }],
    [],
    { kind: "owned", carrierNumberId: "PN1", canCall: false },
  ],
  [
    "like one that is owned",
    [{ sid: "PN1", phone_number: `${from}9`, capabilities: voice }],
    [],
    { kind: "not_owned" },
  ],
  [
    "verified as a caller id",
    [],
    [{ sid: "PN2", phone_number: from }],
    { kind: "owned", carrierNumberId: "PN2", canCall: true },
  ],
  ["not theirs", [], [], { kind: "not_owned" }],
])("a number that is %s", async (_name, owned, verified, check) => {
  const { carrier, server } = await against(numbers(owned, verified));
  expect(await carrier.checkNumber(credentials, from)).toEqual(check);
  expect(server.requests[0]?.path).toContain(`PhoneNumber=${encodeURIComponent(from)}`);
});

test("a number that cannot be checked is failed", async () => {
  const { carrier } = await against((_r, socket) => answer(socket, 503, errorJson(20503, 503)));
  expect(await carrier.checkNumber(credentials, from)).toMatchObject({ kind: "failed" });
});
