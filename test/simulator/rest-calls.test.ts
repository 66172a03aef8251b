// The carrier's REST API through the official SDK: what it accepts, refuses and lists.

import { afterEach, expect, test } from "vitest";
import {
  DEFAULT_ACCOUNT_SID,
  DEFAULT_AUTH_TOKEN,
  defaultAccount,
} from "../../src/simulator/carrier-model/default-account.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { waitFor } from "../support/wait-for.ts";
import { CALM, control, FROM, sdkFor, startTestSimulator } from "./test-simulator.ts";

let simulator: Simulator;
afterEach(() => simulator.close());

const TWIML = "<Response><Hangup/></Response>";
const TO = "+12025550123";

interface Refusal {
  status: number;
  code: number;
  moreInfo: string;
}

async function refusalOf(work: Promise<unknown>): Promise<Refusal> {
  const error = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error === null) throw new Error("the request was accepted");
  return error as Refusal;
}

test("a created call is fetched, and ends on its own", async () => {
  simulator = await startTestSimulator({ people: { [TO]: "terse" } });
  const client = sdkFor(simulator);
  const created = await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  expect(created).toMatchObject({
    to: TO,
    from: FROM,
    status: "queued",
    direction: "outbound-api",
    duration: null,
    price: null,
    answeredBy: null,
    queueTime: "0",
    toFormatted: "(202) 555-0123",
  });
  expect(created.sid).toMatch(/^CA[0-9a-f]{32}$/);
  expect(created.dateCreated).toBeInstanceOf(Date);
  expect(created.startTime).toBeNull();
  const ended = await waitFor(
    async () => {
      const call = await client.calls(created.sid).fetch();
      return call.status === "completed" ? call : null;
    },
    { describe: "the call to complete" },
  );
  expect(ended.duration).toMatch(/^\d+$/);
  expect(ended.startTime).toBeInstanceOf(Date);
});

test("the answer carries the carrier's headers", async () => {
  simulator = await startTestSimulator();
  const answer = await sdkFor(simulator).calls.createWithHttpInfo({
    to: TO,
    from: FROM,
    twiml: TWIML,
  });
  expect(answer.statusCode).toBe(201);
  const { headers } = answer;
  expect(headers["twilio-request-id"]).toMatch(/^RQ[0-9a-f]{32}$/);
  expect(headers["twilio-concurrent-requests"]).toBe("1");
  expect(headers["twilio-request-duration"]).toMatch(/^\d+\.\d{3}$/);
});

test("the call resource has exactly the carrier's fields, all text or null", async () => {
  simulator = await startTestSimulator({ people: { [TO]: "terse" } });
  const call = await sdkFor(simulator).calls.create({ to: TO, from: FROM, twiml: TWIML });
  await waitFor(() => simulator.books().findCall(call.sid)?.endedAt, { describe: "the end" });
  const credentials = Buffer.from(`${DEFAULT_ACCOUNT_SID}:${DEFAULT_AUTH_TOKEN}`).toString(
    "base64",
  );
  const response = await fetch(`${simulator.url}${call.uri}`, {
    headers: { authorization: `Basic ${credentials}` },
  });
  const { subresource_uris: links, ...fields } = (await response.json()) as Record<string, unknown>;
  expect(Object.keys(fields).toSorted()).toEqual([
    "account_sid",
    "answered_by",
    "api_version",
    "caller_name",
    "date_created",
    "date_updated",
    "direction",
    "duration",
    "end_time",
    "forwarded_from",
    "from",
    "from_formatted",
    "group_sid",
    "parent_call_sid",
    "phone_number_sid",
    "price",
    "price_unit",
    "queue_time",
    "sid",
    "start_time",
    "status",
    "to",
    "to_formatted",
    "trunk_sid",
    "uri",
  ]);
  for (const [name, value] of Object.entries(fields)) {
    expect(value === null || typeof value === "string", name).toBe(true);
  }
  for (const name of ["date_created", "date_updated", "start_time", "end_time"]) {
    expect(fields[name]).toMatch(/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000$/);
  }
  expect(links).toMatchObject({
    notifications: expect.stringMatching(/\/Notifications\.json$/),
    user_defined_messages: expect.stringMatching(/\/UserDefinedMessages\.json$/),
  });
});

test("every refusal has the carrier's code", async () => {
  simulator = await startTestSimulator({
    accounts: [{ ...defaultAccount, blocked_numbers: ["+12025550166"], allowed_countries: ["US"] }],
  });
  const client = sdkFor(simulator);
  const good = { to: TO, from: FROM, twiml: TWIML };
  const cases: [Partial<Record<string, unknown>>, number][] = [
    [{ to: "12025550123" }, 21211],
    [{ to: FROM }, 21211],
    [{ to: "+15005550001" }, 21217],
    [{ to: "+15005550002" }, 21214],
    [{ to: "+15005550003" }, 21215],
    [{ to: "+15005550004" }, 21216],
    [{ to: "+12025550166" }, 21216],
    [{ to: "+442079460123" }, 21215],
    [{ to: "+19005550123" }, 21202],
    [{ from: "+12025550199" }, 21210],
    [{ from: "202" }, 21212],
    [{ from: "+15005550001" }, 21212],
    [{ twiml: `<Response><Say>${"a".repeat(4000)}</Say></Response>` }, 32018],
    [{ twiml: undefined }, 21205],
    [{ twiml: undefined, url: "not a url" }, 21205],
    [{ statusCallback: "https://my_host.example/x" }, 21205],
    [{ statusCallbackMethod: "PUT", statusCallback: "https://host.example/x" }, 21209],
    [{ timeout: 601 }, 21208],
    [{ machineDetection: "Maybe" }, 21234],
    [{ sendDigits: "12x" }, 21206],
  ];
  for (const [change, code] of cases) {
    const refusal = await refusalOf(client.calls.create({ ...good, ...change }));
    expect({ change, code: refusal.code, status: refusal.status }).toEqual({
      change,
      code,
      status: 400,
    });
    expect(refusal.moreInfo).toBe(`https://www.twilio.com/docs/errors/${code}`);
  }
  expect(simulator.summary()).toMatchObject({ calls: 0, createRequests: cases.length });
});

test("wrong credentials, other accounts and suspended ones are told apart", async () => {
  const suspended = `AC${"5".repeat(32)}`;
  simulator = await startTestSimulator({
    accounts: [defaultAccount, { account_sid: suspended, auth_token: "t", status: "suspended" }],
  });
  const good = { to: TO, from: FROM, twiml: TWIML };
  const wrong = sdkFor(simulator, DEFAULT_ACCOUNT_SID, "wrong");
  expect(await refusalOf(wrong.calls.create(good))).toMatchObject({ status: 401, code: 20003 });
  const other = sdkFor(simulator).api.v2010.accounts(suspended);
  expect(await refusalOf(other.calls.create(good))).toMatchObject({ status: 404, code: 20404 });
  const stopped = sdkFor(simulator, suspended, "t");
  expect(await refusalOf(stopped.calls.create(good))).toMatchObject({ status: 401, code: 20003 });
  const account = await stopped.api.v2010.accounts(suspended).fetch();
  expect(account).toMatchObject({ status: "suspended", type: "Full" });
  expect(
    await refusalOf(
      sdkFor(simulator)
        .calls(`CA${"0".repeat(32)}`)
        .fetch(),
    ),
  ).toMatchObject({
    status: 404,
    code: 20404,
  });
});

test("a trial account calls only verified numbers", async () => {
  simulator = await startTestSimulator({
    accounts: [{ ...defaultAccount, type: "Trial", verified_caller_ids: ["+12025550111"] }],
  });
  const client = sdkFor(simulator);
  const refusal = await refusalOf(client.calls.create({ to: TO, from: FROM, twiml: TWIML }));
  expect(refusal.code).toBe(21219);
  const call = await client.calls.create({ to: "+12025550111", from: FROM, twiml: TWIML });
  expect(call.status).toBe("queued");
});

test("the account shows its numbers, caller ids and balance", async () => {
  simulator = await startTestSimulator({
    accounts: [{ ...defaultAccount, verified_caller_ids: ["+12025550111"] }],
  });
  const client = sdkFor(simulator);
  const [number, ...others] = await client.incomingPhoneNumbers.list({ phoneNumber: FROM });
  expect(others).toEqual([]);
  expect(number).toMatchObject({ phoneNumber: FROM, capabilities: { voice: true } });
  const wildcard = await client.incomingPhoneNumbers.list({ phoneNumber: "+1***5550100" });
  expect(wildcard).toHaveLength(3);
  const [callerId] = await client.outgoingCallerIds.list({ phoneNumber: "+12025550111" });
  expect(callerId?.phoneNumber).toBe("+12025550111");
  const balance = await client.balance.fetch();
  expect(balance.currency).toBe("USD");
});

test("the list is filtered, newest first, and paged", async () => {
  simulator = await startTestSimulator({ rates: { no_answer: 1 }, speed: 1 });
  const client = sdkFor(simulator);
  const sids: string[] = [];
  for (let i = 0; i < 7; i += 1) {
    const call = await client.calls.create({ to: `+1202555011${i}`, from: FROM, twiml: TWIML });
    sids.push(call.sid);
  }
  const all = await client.calls.list({ pageSize: 3 });
  expect(all.map((call) => call.sid)).toEqual(sids.toReversed());
  const one = await client.calls.list({ to: "+12025550114", from: FROM });
  expect(one.map((call) => call.sid)).toEqual([sids[4]]);
  expect(await client.calls.list({ from: "+13125550100" })).toEqual([]);
  expect(await client.calls.list({ status: "completed" })).toEqual([]);
  const page = await client.calls.page({ pageSize: 5 });
  expect(page.instances).toHaveLength(5);
  const second = await page.nextPage();
  expect(second?.instances.map((call) => call.sid)).toEqual(sids.toReversed().slice(5));
  await waitFor(() => [...simulator.books().calls()].every((call) => call.dialedAt !== null), {
    describe: "all calls to be dialed",
  });
  const today = new Date();
  const tomorrow = new Date(today.getTime() + 86_400_000);
  expect(await client.calls.list({ startTimeAfter: tomorrow })).toEqual([]);
  expect(await client.calls.list({ startTimeBefore: tomorrow })).toHaveLength(7);
});

test("an unordered list pages without losing or repeating a call", async () => {
  simulator = await startTestSimulator({
    rates: { no_answer: 1 },
    speed: 1,
    faults: { ...CALM, list: { ...CALM.list, unordered: true } },
  });
  const client = sdkFor(simulator);
  const sids = new Set<string>();
  for (let i = 0; i < 9; i += 1) {
    const call = await client.calls.create({ to: `+1202555011${i}`, from: FROM, twiml: TWIML });
    sids.add(call.sid);
  }
  const listed = await client.calls.list({ pageSize: 2 });
  expect(listed).toHaveLength(9);
  expect(new Set(listed.map((call) => call.sid))).toEqual(sids);
});

test("a ringing call is canceled, an answered one completed, an ended one is left alone", async () => {
  simulator = await startTestSimulator({
    people: { [TO]: "no_answer", "+12025550124": "silent" },
    speed: 1,
    delays: { queueToInitiated: [0, 0], initiatedToRinging: [0, 0] },
  });
  const client = sdkFor(simulator);
  const ringing = await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  await waitFor(() => simulator.books().findCall(ringing.sid)?.status === "ringing", {
    describe: "the phone to ring",
  });
  const early = client.calls(ringing.sid).update({ twiml: TWIML });
  expect(await refusalOf(early)).toMatchObject({ status: 400, code: 21220 });
  const canceled = await client.calls(ringing.sid).update({ status: "canceled" });
  expect(canceled.status).toBe("canceled");
  const again = client.calls(ringing.sid).update({ status: "canceled" });
  expect(await refusalOf(again)).toMatchObject({ status: 400, code: 21220 });
  expect(await client.calls(ringing.sid).remove()).toBe(true);
  expect(await refusalOf(client.calls(ringing.sid).fetch())).toMatchObject({ code: 20404 });
  expect(simulator.books().findCall(ringing.sid)?.isDeleted).toBe(true);
});

test("an answered call is given another script, and hung up", async () => {
  simulator = await startTestSimulator({ people: { [TO]: "silent" } });
  const client = sdkFor(simulator);
  const twiml = "<Response><Pause length='10000'/></Response>";
  const call = await client.calls.create({ to: TO, from: FROM, twiml });
  const booked = simulator.books().findCall(call.sid);
  await waitFor(() => booked?.status === "in-progress", { describe: "an answer" });
  const late = client.calls(call.sid).update({ status: "canceled" });
  expect(await refusalOf(late)).toMatchObject({ code: 21220 });
  const say = "<Response><Say>Please hold the line.</Say><Pause length='10000'/></Response>";
  await client.calls(call.sid).update({ twiml: say });
  await waitFor(() => booked?.transcript.some((line) => line.text === "Please hold the line."), {
    describe: "the new script to speak",
  });
  const ended = await client.calls(call.sid).update({ status: "completed" });
  expect(ended.status).toBe("completed");
});

test("creates above the pace wait in the queue, in order, with an estimate", async () => {
  simulator = await startTestSimulator({
    accounts: [{ ...defaultAccount, cps: 20 }],
    rates: { no_answer: 1 },
    speed: 1,
  });
  const client = sdkFor(simulator);
  const estimates: number[] = [];
  const sids: string[] = [];
  for (let i = 0; i < 8; i += 1) {
    const call = await client.calls.create({ to: `+1202555011${i}`, from: FROM, twiml: TWIML });
    estimates.push(Number(call.queueTime));
    sids.push(call.sid);
  }
  expect(estimates[0]).toBe(0);
  expect(estimates.at(-1)).toBeGreaterThan(0);
  const booked = await waitFor(
    () => {
      const calls = sids.map((sid) => simulator.books().findCall(sid));
      return calls.every((call) => typeof call?.dialedAt === "number") ? calls : null;
    },
    { describe: "all calls to be dialed" },
  );
  const dialed = booked.map((call) => call?.dialedAt ?? 0);
  expect(dialed).toEqual(dialed.toSorted((a, b) => a - b));
});

test("a full queue refuses with 22005, and a canceled call gives its place away", async () => {
  simulator = await startTestSimulator({
    accounts: [{ ...defaultAccount, cps: 0.01, max_queued_calls: 2 }],
  });
  const client = sdkFor(simulator);
  const create = (to: string) => client.calls.create({ to, from: FROM, twiml: TWIML });
  await create("+12025550110");
  await waitFor(() => typeof [...simulator.books().calls()][0]?.dialedAt === "number", {
    describe: "the first dial",
  });
  const waiting = await create("+12025550111");
  expect(Number(waiting.queueTime)).toBeGreaterThan(90_000);
  await create("+12025550112");
  expect(await refusalOf(create("+12025550113"))).toMatchObject({ status: 400, code: 22005 });
  await client.calls(waiting.sid).update({ status: "canceled" });
  expect((await create("+12025550113")).status).toBe("queued");
});

test("a call above the account's concurrency is busy at zero seconds, with notification 10004", async () => {
  simulator = await startTestSimulator({
    accounts: [{ ...defaultAccount, cps: 1000, max_concurrent_calls: 1 }],
    rates: { no_answer: 1 },
    speed: 1,
  });
  const client = sdkFor(simulator);
  await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  const second = await client.calls.create({ to: "+12025550124", from: FROM, twiml: TWIML });
  expect(second.status).toBe("queued");
  const busy = await waitFor(
    async () => {
      const call = await client.calls(second.sid).fetch();
      return call.status === "busy" ? call : null;
    },
    { describe: "the second call to be busy" },
  );
  expect(busy.duration).toBeNull();
  const notifications = await client.calls(second.sid).notifications.list();
  expect(notifications.map((each) => [each.errorCode, each.messageText])).toEqual([
    ["10004", null],
  ]);
  expect(simulator.summary().maxOpenByAccount.by).toEqual({ [DEFAULT_ACCOUNT_SID]: 2 });
});

test("requests at once above the account's limit are throttled and create nothing", async () => {
  simulator = await startTestSimulator({
    accounts: [{ ...defaultAccount, max_concurrent_requests: 1 }],
    faults: { ...CALM, create: { slow: { probability: 1, min_ms: 200, max_ms: 200 } } },
  });
  const client = sdkFor(simulator);
  const results = await Promise.allSettled(
    ["+12025550110", "+12025550111", "+12025550112"].map((to) =>
      client.calls.create({ to, from: FROM, twiml: TWIML }),
    ),
  );
  const refused = results.filter((result) => result.status === "rejected");
  expect(refused).toHaveLength(2);
  expect(refused.map((result) => (result.reason as Refusal).code)).toEqual([20429, 20429]);
  expect(simulator.summary()).toMatchObject({ calls: 1, createRequests: 3 });
});

test("an account is added and changed while the simulator runs", async () => {
  simulator = await startTestSimulator();
  const sid = `AC${"7".repeat(32)}`;
  const settings = {
    account_sid: sid,
    auth_token: "secret",
    numbers: [{ phone_number: "+13235550100" }],
  };
  expect(await control(simulator, "PUT", "/accounts", settings)).toMatchObject({ status: 200 });
  const client = sdkFor(simulator, sid, "secret");
  const call = await client.calls.create({ to: TO, from: "+13235550100", twiml: TWIML });
  expect(call.accountSid).toBe(sid);
  const wrong = await control(simulator, "PUT", "/accounts", {
    ...settings,
    cps: 0,
    colour: "red",
  });
  expect(wrong.status).toBe(400);
  expect(JSON.stringify(wrong.body)).toMatch(/cps/);
});
