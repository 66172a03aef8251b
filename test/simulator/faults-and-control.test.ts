// What goes wrong on purpose, and the routes that set it up and show the carrier's own books.

import { afterEach, expect, test } from "vitest";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator-options.ts";
import { waitFor } from "../support/wait-for.ts";
import { CALM, control, FROM, sdkFor, startTestSimulator } from "./test-simulator.ts";

const TO = "+12025550123";
const TWIML = "<Response><Hangup/></Response>";

let simulator: Simulator;
afterEach(() => simulator.close());

async function start(faults: FaultsInput, options: Partial<SimulatorOptions> = {}): Promise<void> {
  simulator = await startTestSimulator({ faults: { ...CALM, ...faults }, ...options });
}

/** Creates one call over plain HTTP, to see answers that the SDK hides; null when none came. */
async function create(signal?: AbortSignal): Promise<{ status: number; body: unknown } | null> {
  const [account] = (await control(simulator, "GET", "/accounts")).body as {
    account_sid: string;
    auth_token: string;
  }[];
  const credentials = Buffer.from(`${account!.account_sid}:${account!.auth_token}`).toString(
    "base64",
  );
  try {
    const response = await fetch(
      `${simulator.url}/2010-04-01/Accounts/${account!.account_sid}/Calls.json`,
      {
        method: "POST",
        headers: { authorization: `Basic ${credentials}` },
        body: new URLSearchParams({ To: TO, From: FROM, Twiml: TWIML }),
        ...(signal === undefined ? {} : { signal }),
      },
    );
    return { status: response.status, body: await response.json() };
  } catch {
    return null;
  }
}

const always = { probability: 1 };

test.each([
  ["refuse", { refuse: { probability: 1, code: 21214 } }, 400, 21214, 0],
  ["too_many_requests", { too_many_requests: always }, 429, 20429, 0],
  ["error_before_accept", { error_before_accept: always }, 500, 20500, 0],
  ["error_after_accept", { error_after_accept: always }, 500, 20500, 1],
] as const)("%s answers what it says", async (name, faults, status, code, calls) => {
  await start({ create: faults });
  expect(await create()).toMatchObject({ status, body: { code, status } });
  const books = (await control(simulator, "GET", "/calls")).body as {
    creates: Record<string, unknown>[];
    calls: Record<string, unknown>[];
  };
  expect(books.calls).toHaveLength(calls);
  expect(books.creates).toMatchObject([
    { to: TO, from: FROM, answer_status: status, error_code: code, fault: name },
  ]);
  expect(books.creates[0]?.["call_sid"]).toBe(books.calls[0]?.["sid"] ?? null);
});

test.each([
  ["hang_before_accept", 0],
  ["hang_after_accept", 1],
] as const)("%s never answers", async (name, calls) => {
  await start({ create: { [name]: always } });
  const stop = new AbortController();
  const pending = create(stop.signal);
  await waitFor(() => simulator.books().creates.length === 1, { describe: "the create to arrive" });
  await waitFor(() => [...simulator.books().calls()].length === calls, { describe: "the call" });
  stop.abort();
  expect(await pending).toBeNull();
  const [record] = simulator.books().creates;
  expect(record).toMatchObject({ answerStatus: null, errorCode: null, fault: name });
  expect(record?.callSid === null).toBe(calls === 0);
});

test("reset_after_accept makes the call and cuts the connection", async () => {
  await start({ create: { reset_after_accept: always } });
  expect(await create()).toBeNull();
  expect(simulator.summary().calls).toBe(1);
});

test("the list lags behind, and fetching does not", async () => {
  await start({ list: { max_lag_ms: 3_600_000, foreign: { probability: 0 } } });
  const client = sdkFor(simulator);
  const call = await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  expect(await client.calls.list({ to: TO, from: FROM })).toEqual([]);
  expect((await client.calls(call.sid).fetch()).sid).toBe(call.sid);
  const booked = simulator.books().findCall(call.sid);
  expect(booked!.listedAt - booked!.createdAt).toBeLessThanOrEqual(3_600_000);
});

test("the list holds calls of others to the same people, and the summary leaves them out", async () => {
  await start({ list: { max_lag_ms: 0, foreign: { probability: 1, near_probability: 1 } } });
  const client = sdkFor(simulator);
  const call = await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  const listed = await client.calls.list({ to: TO, from: FROM });
  expect(listed).toHaveLength(2);
  const foreign = listed.find((each) => each.sid !== call.sid);
  expect(foreign).toMatchObject({ to: TO, from: FROM, direction: "outbound-api" });
  expect(simulator.summary()).toMatchObject({ calls: 1, dialedMoreThanOnce: {} });
});

test("list, fetch and update fail when told to", async () => {
  await start({});
  const client = sdkFor(simulator);
  const call = await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  await control(simulator, "PUT", "/faults", {
    list: { fail: always },
    fetch: { fail: always },
    update: { fail: always },
  });
  await expect(client.calls.list()).rejects.toMatchObject({ status: 500, code: 20500 });
  await expect(client.calls(call.sid).fetch()).rejects.toMatchObject({ status: 500 });
  await expect(client.calls(call.sid).update({ status: "canceled" })).rejects.toMatchObject({
    status: 500,
  });
  await control(simulator, "DELETE", "/faults");
  expect((await client.calls(call.sid).fetch()).sid).toBe(call.sid);
});

test("setting faults replaces them all and refuses what it does not know", async () => {
  await start({});
  await control(simulator, "PUT", "/faults", { create: { refuse: { probability: 0.5 } } });
  const second = await control(simulator, "PUT", "/faults", { callbacks: { lost: always } });
  expect(second.body).toMatchObject({
    create: { refuse: { probability: 0, code: 21211 } },
    callbacks: { lost: { probability: 1 } },
    list: { max_lag_ms: 30_000, foreign: { probability: 0.05 } },
  });
  const wrong = await control(simulator, "PUT", "/faults", { callbacks: { lots: always } });
  expect(wrong.status).toBe(400);
  expect(JSON.stringify(wrong.body)).toContain("lots");
  expect((await control(simulator, "PUT", "/faults", { amd: { unknown: 2 } })).status).toBe(400);
  expect((await control(simulator, "GET", "/faults")).body).toEqual(second.body);
});

test("people are forced by phone and drawn by rates, the same for the same seed", async () => {
  await start({});
  const forced = await control(simulator, "PUT", "/people", { [TO]: "busy" });
  expect(forced.body).toMatchObject({ force: { [TO]: "busy" } });
  await control(simulator, "PUT", "/people", { rates: { voicemail: 1 } });
  const client = sdkFor(simulator);
  await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  await client.calls.create({ to: "+12025550124", from: FROM, twiml: TWIML });
  expect(simulator.summary().callsByPersona).toEqual({ busy: 1, voicemail: 1 });
  expect((await control(simulator, "PUT", "/people", { [TO]: "cheerful" })).status).toBe(400);
  const wishes = { says: { [TO]: "Ja, hallo?" }, languages: { de: 1 } };
  expect((await control(simulator, "PUT", "/people", wishes)).body).toMatchObject({
    languages: { de: 1 },
  });
  const unknown = { languages: { tlh: 1 } };
  expect((await control(simulator, "PUT", "/people", unknown)).status).toBe(400);

  const personas = async (seed: number) => {
    const other = await startTestSimulator({ seed });
    for (let i = 10; i < 40; i += 1) {
      const order = { to: `+120255501${i}`, from: FROM, twiml: TWIML };
      await sdkFor(other).calls.create(order);
    }
    const found = [...other.books().calls()].map((call) => call.persona);
    await other.close();
    return found;
  };
  const first = await personas(5);
  expect(await personas(5)).toEqual(first);
  expect(await personas(6)).not.toEqual(first);
});

test("the books show each call's life, filtered by phone and in pages", async () => {
  await start({}, { people: { [TO]: "terse" } });
  const client = sdkFor(simulator);
  await client.calls.create({
    to: TO,
    from: FROM,
    twiml: "<Response><Say>Goodbye.</Say></Response>",
    statusCallback: "http://127.0.0.1:9/status",
  });
  await client.calls.create({ to: "+12025550124", from: FROM, twiml: TWIML });
  await waitFor(() => simulator.summary().openCalls === 0, { describe: "both calls to end" });
  const all = (await control(simulator, "GET", "/calls?limit=1")).body;
  expect(all).toMatchObject({ total_calls: 2, total_creates: 2 });
  const { calls, creates } = (await control(simulator, "GET", `/calls?to=${TO}`)).body as {
    calls: Record<string, unknown>[];
    creates: Record<string, unknown>[];
  };
  expect(creates).toHaveLength(1);
  expect(calls).toHaveLength(1);
  expect(calls[0]).toMatchObject({
    to: TO,
    status: "completed",
    persona: "terse",
    is_ours: true,
    status_callback: "http://127.0.0.1:9/status",
    opened_at: expect.any(Number),
    closed_at: expect.any(Number),
  });
  expect(calls[0]?.["history"]).toMatchObject([
    { status: "queued" },
    { status: "initiated" },
    { status: "ringing" },
    { status: "in-progress" },
    { status: "completed" },
  ]);
  expect(JSON.stringify(calls[0]?.["transcript"])).toContain("Goodbye.");
});

test("the summary counts open calls, creates and repeats", async () => {
  await start({}, { rates: { no_answer: 1 }, speed: 1 });
  const client = sdkFor(simulator);
  const dial = (to: string, from = FROM) => client.calls.create({ to, from, twiml: TWIML });
  await dial(TO);
  await dial(TO, "+13125550100");
  await dial("+12025550124");
  const summary = (await control(simulator, "GET", "/summary")).body;
  expect(summary).toMatchObject({
    calls: 3,
    create_requests: 3,
    max_open_by_account: { total: 3 },
    max_open_by_from: { by: { [FROM]: 2, "+13125550100": 1 } },
    max_creates_in_one_second: { total: expect.any(Number) },
    creates_by_to: { [TO]: 2, "+12025550124": 1 },
    dialed_more_than_once: { [TO]: 2 },
    overlapping: [TO],
  });
});

test("a reset opens new books, and call ids never repeat", async () => {
  await start({}, { people: { [TO]: "silent" } });
  const client = sdkFor(simulator);
  const before = await client.calls.create({
    to: TO,
    from: FROM,
    twiml: "<Response><Pause length='60'/></Response>",
  });
  await control(simulator, "PUT", "/people", { "+12025550124": "busy" });
  await control(simulator, "PUT", "/faults", { fetch: { fail: always } });
  expect((await control(simulator, "POST", "/reset")).body).toEqual({ reset: true });
  expect(simulator.summary()).toMatchObject({ calls: 0, createRequests: 0 });
  expect((await control(simulator, "GET", "/people")).body).toMatchObject({
    force: { [TO]: "silent" },
  });
  await expect(client.calls(before.sid).fetch()).rejects.toMatchObject({ code: 20404 });
  const after = await client.calls.create({ to: TO, from: FROM, twiml: TWIML });
  expect(after.sid).not.toBe(before.sid);
});
