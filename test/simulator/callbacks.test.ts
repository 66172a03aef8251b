// Callbacks: signed as the official SDK verifies them, with the carrier's fields, retries and
// disorder.

import { afterEach, beforeEach, expect, test } from "vitest";
import twilio from "twilio";
import { DEFAULT_AUTH_TOKEN } from "../../src/simulator/carrier-model/default-account.ts";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator-options.ts";
import { waitFor } from "../support/wait-for.ts";
import { startProductServer } from "./product-server.ts";
import type { ProductServer, Received } from "./product-server.ts";
import { CALM, control, FROM, sdkFor, startTestSimulator } from "./test-simulator.ts";

const TO = "+12025550123";
const TWIML = "<Response><Pause length='2'/><Hangup/></Response>";
const ALL_EVENTS = ["initiated", "ringing", "answered", "completed"];

let simulator: Simulator;
let product: ProductServer;

beforeEach(async () => {
  product = await startProductServer();
});

afterEach(async () => {
  await simulator.close();
  await product.close();
});

async function dial(
  fields: Record<string, unknown> = {},
  options: Partial<SimulatorOptions> = {},
): Promise<string> {
  simulator = await startTestSimulator({ people: { [TO]: "terse" }, ...options });
  const call = await sdkFor(simulator).calls.create({
    to: TO,
    from: FROM,
    twiml: TWIML,
    statusCallback: `${product.url}/status?call=1&x=a%20b`,
    statusCallbackEvent: ALL_EVENTS,
    ...fields,
  });
  return call.sid;
}

function faults(change: FaultsInput): Partial<SimulatorOptions> {
  return { faults: { ...CALM, ...change } };
}

const isCompleted = (received: Received) => received.form["CallStatus"] === "completed";

test("each event comes once, in order, with the carrier's fields", async () => {
  const sid = await dial();
  const completed = await product.request(isCompleted);
  expect(product.received.map((each) => each.form["CallStatus"])).toEqual([
    "initiated",
    "ringing",
    "in-progress",
    "completed",
  ]);
  expect(product.received.map((each) => each.form["SequenceNumber"])).toEqual(["0", "1", "2", "3"]);
  expect(completed.form).toMatchObject({
    CallSid: sid,
    From: FROM,
    To: TO,
    Caller: FROM,
    Called: TO,
    ApiVersion: "2010-04-01",
    Direction: "outbound-api",
    CallbackSource: "call-progress-events",
    SipResponseCode: "200",
    CallDuration: "1",
    Duration: "1",
    ToCity: "",
    ToCountry: "US",
  });
  expect(completed.form["Timestamp"]).toMatch(
    /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000$/,
  );
});

test("the official SDK accepts every signature", async () => {
  await dial({ statusCallback: `${product.url}/status?call=1&x=a%20b#rc=2&rp=all` });
  await product.request(isCompleted);
  for (const each of product.received) {
    const signature = each.headers["x-twilio-signature"];
    expect(each.url).toBe(`${product.url}/status?call=1&x=a%20b`);
    expect(twilio.validateRequest(DEFAULT_AUTH_TOKEN, String(signature), each.url, each.form)).toBe(
      true,
    );
    expect(twilio.validateRequest("other", String(signature), each.url, each.form)).toBe(false);
  }
});

test("a GET callback carries its fields in the query, signed as requested", async () => {
  await dial({ statusCallbackMethod: "GET" });
  const first = await product.request((received) => received.url.includes("CallStatus=completed"));
  expect(first.method).toBe("GET");
  const signature = String(first.headers["x-twilio-signature"]);
  expect(twilio.validateRequest(DEFAULT_AUTH_TOKEN, signature, first.url, {})).toBe(true);
});

test("only subscribed events come, and they alone are counted", async () => {
  await dial({ statusCallbackEvent: undefined });
  const completed = await product.request(isCompleted);
  expect(product.received).toHaveLength(1);
  expect(completed.form["SequenceNumber"]).toBe("0");
});

test.each([
  ["busy", "busy", "486"],
  ["no_answer", "no-answer", "487"],
  ["rejected", "no-answer", "603"],
  ["invalid_number", "failed", "404"],
  ["carrier_failure", "failed", "503"],
])("a phone that is %s ends %s with SIP code %s", async (persona, status, sip) => {
  await dial({ timeout: 5 }, { people: { [TO]: persona } });
  const ended = await product.request((received) => "CallDuration" in received.form);
  expect(ended.form).toMatchObject({
    CallStatus: status,
    SipResponseCode: sip,
    CallDuration: "0",
    Duration: "0",
  });
});

test("lost callbacks never come, doubled ones come twice with tokens of their own", async () => {
  await dial({}, faults({ callbacks: { doubled: { probability: 1 } } }));
  await waitFor(() => product.received.length === 8, { describe: "eight callbacks" });
  const tokens = product.received.map((each) => each.headers["i-twilio-idempotency-token"]);
  expect(new Set(tokens).size).toBe(8);

  await control(simulator, "PUT", "/faults", { ...CALM, callbacks: { lost: { probability: 1 } } });
  const call = await sdkFor(simulator).calls.create({
    to: TO,
    from: FROM,
    twiml: TWIML,
    statusCallback: `${product.url}/lost`,
  });
  const booked = simulator.books().findCall(call.sid);
  await waitFor(() => booked?.status === "completed", { describe: "the call to complete" });
  expect(product.received.some((each) => each.path === "/lost")).toBe(false);
});

test("reordered callbacks keep their sequence numbers", async () => {
  await dial({}, { seed: 4, ...faults({ callbacks: { reordered: { probability: 0.5 } } }) });
  await waitFor(() => product.received.length === 4, { describe: "four callbacks" });
  const order = product.received.map((each) => Number(each.form["SequenceNumber"]));
  expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  expect(order).not.toEqual([0, 1, 2, 3]);
});

test("a callback may come before the answer to the create", async () => {
  const slow = { probability: 1, min_ms: 300, max_ms: 300 };
  simulator = await startTestSimulator(faults({ create: { slow } }));
  const creating = sdkFor(simulator).calls.create({
    to: TO,
    from: FROM,
    twiml: TWIML,
    statusCallback: `${product.url}/status`,
    statusCallbackEvent: ALL_EVENTS,
  });
  let isAnswered = false;
  const done = creating.then(() => {
    isAnswered = true;
  });
  const first = await product.request((received) => received.path === "/status");
  expect(isAnswered).toBe(false);
  await done;
  expect((await creating).sid).toBe(first.form["CallSid"]);
});

test("an error is retried only when the address asks for it, with the same token", async () => {
  await product.close();
  let failures = 2;
  product = await startProductServer((_received, reply) => {
    if (failures === 0) return undefined;
    failures -= 1;
    return reply.code(500).send("no");
  });
  const one = { statusCallbackEvent: ["completed"] };
  await dial({ ...one, statusCallback: `${product.url}/status#rc=5&rp=5xx` });
  await waitFor(() => product.received.length === 3, { describe: "two retries" });
  const tokens = product.received.map((each) => each.headers["i-twilio-idempotency-token"]);
  expect(new Set(tokens).size).toBe(1);

  failures = 1;
  const call = await sdkFor(simulator).calls.create({
    to: TO,
    from: FROM,
    twiml: "<Response><Redirect>/unused</Redirect></Response>",
    statusCallback: `${product.url}/plain`,
  });
  const booked = simulator.books().findCall(call.sid);
  await waitFor(() => booked?.endedAt, { describe: "the end of the call" });
  await product.request((received) => received.path === "/plain");
  expect(product.received.filter((received) => received.path === "/plain")).toHaveLength(1);
});

test("a slow answer is given up after the time the address allows", async () => {
  await product.close();
  product = await startProductServer(async (received, reply) => {
    if (received.path !== "/status") return undefined;
    await new Promise(() => undefined);
    return reply;
  });
  const statusCallback = `${product.url}/status#rt=100&rc=2&rp=rt`;
  await dial({ statusCallbackEvent: ["completed"], statusCallback });
  await waitFor(() => product.received.length === 3, { describe: "two retries" });
});

test("a redirect turns the callback into a GET without a body", async () => {
  await product.close();
  product = await startProductServer((received, reply) =>
    received.path === "/status" ? reply.redirect("/moved", 307) : undefined,
  );
  await dial({ statusCallbackEvent: ["completed"] });
  const moved = await product.request((received) => received.path === "/moved");
  expect(moved).toMatchObject({ method: "GET", form: {} });
});

test.each([
  ["terse", "Enable", "human"],
  ["voicemail", "Enable", "machine_start"],
  ["voicemail", "DetectMessageEnd", "machine_end_beep"],
  ["fax", "Enable", "fax"],
  ["silent", "Enable", "unknown"],
])("a %s phone under %s is answered by %s", async (persona, machineDetection, verdict) => {
  const long = "<Response><Pause length='60'/></Response>";
  const sid = await dial(
    {
      twiml: long,
      machineDetection,
      asyncAmd: "true",
      asyncAmdStatusCallback: `${product.url}/amd`,
    },
    { people: { [TO]: persona } },
  );
  const amd = await product.request((received) => received.path === "/amd");
  expect(amd.form).toMatchObject({ CallSid: sid, AnsweredBy: verdict });
  expect(Number(amd.form["MachineDetectionDuration"])).toBeGreaterThan(1_000);
  const call = await sdkFor(simulator).calls(sid).fetch();
  expect(call.answeredBy).toBe(verdict);
});

test("detection errs as often as it is told to", async () => {
  await dial(
    {
      twiml: "<Response><Pause length='60'/></Response>",
      machineDetection: "Enable",
      asyncAmd: "true",
      asyncAmdStatusCallback: `${product.url}/amd`,
    },
    faults({ amd: { false_positive: 1, unknown: 0 } }),
  );
  const amd = await product.request((received) => received.path === "/amd");
  expect(amd.form["AnsweredBy"]).toBe("machine_start");
});

test("synchronous detection holds the script back and tells it the verdict", async () => {
  await product.close();
  product = await startProductServer((received, reply) =>
    received.path === "/script"
      ? reply.type("text/xml").send("<Response><Hangup/></Response>")
      : undefined,
  );
  await dial({
    twiml: undefined,
    url: `${product.url}/script`,
    machineDetection: "Enable",
  });
  const script = await product.request((received) => received.path === "/script");
  expect(script.form).toMatchObject({ AnsweredBy: "human", CallStatus: "in-progress" });
});
