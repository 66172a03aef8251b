// Placing a call against a server that speaks Twilio's REST as documented, and as it breaks. Every
// outcome is checked together with what went over the wire.

import { expect, test, vi } from "vitest";

import {
  accountSid,
  against,
  base,
  callJson,
  callSid,
  carrierAt,
  clock,
  credentials,
  errorJson,
  form,
  from,
  logged,
  order,
  soon,
  to,
} from "./carrier-fixture.ts";
import { answer, startRawServer } from "./raw-http-server.ts";
import type { Behaviour } from "./raw-http-server.ts";

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
