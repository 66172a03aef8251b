// Everything else of the Carrier port, against a server that speaks Twilio's REST: ending calls,
// reading the books, checking accounts and numbers.

import { expect, test } from "vitest";

import {
  accountSid,
  against,
  base,
  callJson,
  callSid,
  credentials,
  errorJson,
  form,
  from,
  to,
} from "./carrier-fixture.ts";
import { answer } from "./raw-http-server.ts";
import type { Behaviour } from "./raw-http-server.ts";

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
