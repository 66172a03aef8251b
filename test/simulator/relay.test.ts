// ConversationRelay from the product's side: the upgrade, the frames, the ends of a session and
// what follows them.

import { afterEach, expect, test } from "vitest";
import type { FastifyReply } from "fastify";
import twilio from "twilio";
import { parseRelayFrame } from "../../src/carrier/twilio/relay-frames.ts";
import { DEFAULT_AUTH_TOKEN } from "../../src/simulator/carrier-model/default-account.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator-options.ts";
import { waitFor } from "../support/wait-for.ts";
import { startProductServer } from "./product-server.ts";
import type { Frame, ProductServer, Received, Talk } from "./product-server.ts";
import { CALM, FROM, sdkFor, startTestSimulator } from "./test-simulator.ts";

const TO = "+12025550123";

let simulator: Simulator;
let product: ProductServer;

afterEach(async () => {
  await simulator.close();
  await product.close();
});

interface Setting {
  readonly attributes?: string;
  readonly persona?: string;
  readonly onTalk?: (talk: Talk) => void;
  readonly answer?: (received: Received, reply: FastifyReply) => unknown;
  readonly options?: Partial<SimulatorOptions>;
  readonly action?: string | null;
  readonly relayUrl?: string;
}

/** Dials somebody whose call connects to the product's socket. */
async function dial(setting: Setting = {}): Promise<string> {
  product = await startProductServer(setting.answer, setting.onTalk);
  simulator = await startTestSimulator({
    people: { [TO]: setting.persona ?? "terse" },
    ...setting.options,
  });
  const action = setting.action === undefined ? `${product.url}/action?call=7` : setting.action;
  const url = setting.relayUrl ?? `${product.socketUrl}/relay/7`;
  const connect = action === null ? "<Connect>" : `<Connect action="${action}">`;
  const call = await sdkFor(simulator).calls.create({
    to: TO,
    from: FROM,
    twiml:
      `<?xml version="1.0" encoding="UTF-8"?><Response>${connect}` +
      `<ConversationRelay url="${url}" ${setting.attributes ?? ""}>` +
      `<Parameter name="attemptId" value="a &amp; b"/></ConversationRelay></Connect></Response>`,
    statusCallback: `${product.url}/status`,
  });
  return call.sid;
}

const isType = (type: string) => (frame: Frame) => frame["type"] === type;
const isFinal = (frame: Frame) => frame["type"] === "prompt" && frame["last"] === true;
const isInfo = (name: string, value: string) => (frame: Frame) =>
  frame["name"] === name && frame["value"] === value;
const isPath = (path: string) => (received: Received) => received.path === path;
const say = (token: string, last = true) => ({ type: "text", token, last });

function transcriptOf(sid: string): string[] {
  const lines = simulator.books().findCall(sid)?.transcript ?? [];
  return lines.map((line) => `${line.speaker}: ${line.text}`);
}

test("the upgrade is signed over the address of the markup, and setup comes first", async () => {
  const sid = await dial();
  const talk = await product.talk();
  const signature = String(talk.upgrade.headers["x-twilio-signature"]);
  const url = `${product.socketUrl}/relay/7`;
  expect(twilio.validateRequest(DEFAULT_AUTH_TOKEN, signature, url, {})).toBe(true);
  await talk.frame(isType("setup"));
  expect(talk.frames[0]).toMatchObject({
    type: "setup",
    callSid: sid,
    from: FROM,
    to: TO,
    callType: "PSTN",
    direction: "outbound-api",
    callStatus: "IN_PROGRESS",
    customParameters: { attemptId: "a & b" },
  });
  expect(talk.frames[0]?.["sessionId"]).toMatch(/^VX[0-9a-f]{32}$/);
});

test("a whole talk: hello, question, answer, goodbye, and the person hangs up", async () => {
  const sid = await dial({
    attributes: 'partialPrompts="true" events="speaker-events tokens-played"',
    options: { seed: 3, speed: 40 },
  });
  const talk = await product.talk();
  await talk.frame(isFinal);
  talk.send(say("Hello, this is the office. ", false));
  talk.send(say("Does your appointment still suit you?"));
  const asked = talk.frames.length;
  await talk.frame(isFinal, asked);
  talk.send(say("Thank you. Goodbye!"));
  const action = await product.request(isPath("/action"));
  const status = await product.request(isPath("/status"));
  expect(action.form).toMatchObject({
    CallSid: sid,
    SessionStatus: "completed",
    CallStatus: "completed",
    SessionId: talk.frames[0]?.["sessionId"],
  });
  expect(action.form["SessionDuration"]).toMatch(/^\d+$/);
  expect(status.form["CallStatus"]).toBe("completed");
  await waitFor(() => talk.closed, { describe: "the socket to close" });
  expect(talk.closed).toEqual({ code: 1000, reason: "Closing websocket session" });
  for (const frame of talk.frames) {
    expect(parseRelayFrame(JSON.stringify(frame)).kind).toBe("frame");
  }
  expect(talk.frames.some(isInfo("agentSpeaking", "on"))).toBe(true);
  expect(talk.frames.some(isInfo("clientSpeaking", "on"))).toBe(true);
  const played = talk.frames.filter((frame) => frame["name"] === "tokensPlayed");
  expect(played.map((frame) => frame["value"]).join("")).toBe(
    "Hello, this is the office. Does your appointment still suit you?Thank you. Goodbye!",
  );
  const partials = talk.frames.filter((frame) => frame["last"] === false);
  expect(partials.every((frame) => frame["type"] === "prompt")).toBe(true);
  const lines = transcriptOf(sid);
  expect(lines).toContain(
    "agent: Hello, this is the office. Does your appointment still suit you?",
  );
  expect(lines.at(-1)).toMatch(/^person: /);
  expect(simulator.books().findCall(sid)?.endedBecause).toBe("the person hung up");
});

test("the welcome greeting is spoken without being asked", async () => {
  const sid = await dial({ attributes: 'welcomeGreeting="Good morning from the office."' });
  await waitFor(() => transcriptOf(sid).includes("agent: Good morning from the office."), {
    describe: "the greeting",
  });
});

test("a person who talks over the agent cuts everything that is queued", async () => {
  const long = "I would like to tell you about all of our opening hours. ".repeat(12);
  const sid = await dial({
    persona: "interrupter",
    options: { seed: 2, speed: 30 },
    onTalk: (talk) => talk.send(say(long)),
  });
  const talk = await product.talk();
  const interrupt = await talk.frame(isType("interrupt"));
  const heard = String(interrupt["utteranceUntilInterrupt"]);
  expect(long.startsWith(heard)).toBe(true);
  expect(heard.length).toBeLessThan(long.length - 1);
  expect(interrupt["durationUntilInterruptMs"]).toEqual(expect.any(Number));
  await talk.frame(isFinal, talk.frames.indexOf(interrupt));
  const cut = simulator
    .books()
    .findCall(sid)
    ?.transcript.find((line) => line.speaker === "agent");
  expect(cut).toMatchObject({ text: heard, wasInterrupted: true });
});

test("a noise cuts the agent like a voice, and no words follow", async () => {
  const long = "I would like to tell you about all of our opening hours. ".repeat(12);
  await dial({
    persona: "noisy",
    attributes: 'events="speaker-events"',
    options: { seed: 2, speed: 30 },
    onTalk: (talk) => talk.send(say(long)),
  });
  const talk = await product.talk();
  const interrupt = await talk.frame(isType("interrupt"));
  const quiet = await talk.frame(isInfo("clientSpeaking", "off"), talk.frames.indexOf(interrupt));
  const between = talk.frames.slice(talk.frames.indexOf(interrupt), talk.frames.indexOf(quiet));
  expect(between.some(isType("prompt"))).toBe(false);
});

test("speech that may not interrupt does not cut the agent, and is reported only if asked for", async () => {
  const long = "I would like to tell you about all of our opening hours. ".repeat(6).trim();
  await dial({
    persona: "interrupter",
    attributes:
      'interruptible="none" reportInputDuringAgentSpeech="speech" events="speaker-events"',
    options: { seed: 2, speed: 100 },
    onTalk: (talk) => talk.send(say(long)),
  });
  const talk = await product.talk();
  await talk.frame(isInfo("agentSpeaking", "off"));
  expect(talk.frames.some(isType("interrupt"))).toBe(false);
  await talk.frame(isFinal);
});

test("asked to press a key, a person presses it", async () => {
  await dial({
    attributes: 'dtmfDetection="true"',
    onTalk: (talk) => talk.send(say("To stop these calls, please press nine.")),
  });
  const talk = await product.talk();
  expect(await talk.frame(isType("dtmf"))).toEqual({ type: "dtmf", digit: "9" });
});

test("`end` closes the session and hands its data to the action, whose markup goes on", async () => {
  const sid = await dial({
    persona: "silent",
    onTalk: (talk) => talk.send({ type: "end", handoffData: '{"reason":"done"}' }),
    answer: (received, reply) =>
      received.path === "/action"
        ? reply.type("text/xml").send("<Response><Say>Good day.</Say></Response>")
        : undefined,
  });
  const action = await product.request(isPath("/action"));
  expect(action.form).toMatchObject({
    SessionStatus: "ended",
    CallStatus: "in-progress",
    HandoffData: '{"reason":"done"}',
  });
  expect(action.url).toBe(`${product.url}/action?call=7`);
  await product.request(isPath("/status"));
  const [talk] = product.talks;
  await waitFor(() => talk?.closed, { describe: "the socket to close" });
  expect(talk?.closed?.code).toBe(1000);
  expect(transcriptOf(sid)).toContain("agent: Good day.");
});

test("an action may connect a new session on the same call", async () => {
  const sid = await dial({
    persona: "silent",
    onTalk: (talk) => {
      if (product.talks.length === 1) talk.terminate();
    },
    answer: (received, reply) =>
      received.path === "/action"
        ? reply
            .type("text/xml")
            .send(
              `<Response><Connect><ConversationRelay url="${product.socketUrl}/again"/></Connect></Response>`,
            )
        : undefined,
  });
  const action = await product.request(isPath("/action"));
  expect(action.form).toMatchObject({
    SessionStatus: "failed",
    CallStatus: "in-progress",
    ErrorCode: "64105",
    ErrorMessage: "Websocket ended",
  });
  const second = await waitFor(() => product.talks[1], { describe: "a second session" });
  const setup = await second.frame(isType("setup"));
  expect(setup).toMatchObject({ callSid: sid, callStatus: "IN_PROGRESS" });
  expect(setup["sessionId"]).not.toBe(product.talks[0]?.frames[0]?.["sessionId"]);
});

test("malformed messages are answered with 64107, and the tenth in a row ends the session", async () => {
  await dial({ persona: "silent" });
  const talk = await product.talk();
  for (let i = 0; i < 9; i += 1) talk.send({ type: "interrupt" });
  talk.send(say("Still here. "));
  for (let i = 0; i < 9; i += 1) talk.send("not json");
  await waitFor(() => talk.frames.filter(isType("error")).length === 18, { describe: "18 errors" });
  expect(talk.frames.find(isType("error"))?.["description"]).toMatch(
    /^Invalid message received, code: 64107, /,
  );
  expect(talk.closed).toBeNull();
  talk.send({ type: "text" });
  await waitFor(() => talk.closed, { describe: "the socket to close" });
  expect(talk.closed).toEqual({
    code: 1007,
    reason: "Too many consecutive malformed messages.",
  });
  const action = await product.request(isPath("/action"));
  expect(action.form).toMatchObject({ SessionStatus: "failed", ErrorCode: "64105" });
});

test("a socket that cannot be reached fails the session with 64102", async () => {
  await dial({ persona: "silent", relayUrl: "ws://127.0.0.1:9/relay" });
  const action = await product.request(isPath("/action"));
  expect(action.form).toMatchObject({
    SessionStatus: "failed",
    CallStatus: "in-progress",
    ErrorCode: "64102",
  });
});

test("without an action a lost session ends the script and the call", async () => {
  const sid = await dial({ persona: "silent", action: null, onTalk: (talk) => talk.terminate() });
  const status = await product.request(isPath("/status"));
  expect(status.form["CallStatus"]).toBe("completed");
  expect(simulator.books().findCall(sid)?.endedBecause).toBe("script ended");
});

test("hung up through the API, the socket closes at once and the action says completed", async () => {
  const sid = await dial({ persona: "silent" });
  const talk = await product.talk();
  await talk.frame(isType("setup"));
  await sdkFor(simulator).calls(sid).update({ status: "completed" });
  await waitFor(() => talk.closed, { describe: "the socket to close" });
  expect(talk.closed?.code).toBe(1000);
  const action = await product.request(isPath("/action"));
  expect(action.form).toMatchObject({ SessionStatus: "completed", CallStatus: "completed" });
  await product.request(isPath("/status"));
  const order = product.received.map((each) => each.path);
  expect(order.indexOf("/action")).toBeLessThan(order.indexOf("/status"));
});

test("the carrier's own side of a socket can be made to drop", async () => {
  await dial({
    persona: "silent",
    options: {
      faults: { ...CALM, relay: { socket_loss: { probability: 1, min_ms: 5, max_ms: 10 } } },
    },
  });
  const talk = await product.talk();
  await waitFor(() => talk.closed, { describe: "the socket to drop" });
  expect(talk.closed?.code).toBe(1006);
  const action = await product.request(isPath("/action"));
  expect(action.form).toMatchObject({ SessionStatus: "failed", ErrorCode: "64105" });
});

test("the carrier can close the socket with a status of its own, after an error", async () => {
  const at = (ms: number) => ({ probability: 1, min_ms: ms, max_ms: ms });
  const relay = { error_frame: at(20), close: { ...at(200), code: 1013 } };
  await dial({ persona: "silent", options: { faults: { ...CALM, relay } } });
  const talk = await product.talk();
  await talk.frame(isType("error"));
  await waitFor(() => talk.closed, { describe: "the socket to close" });
  expect(talk.closed?.code).toBe(1013);
  expect(talk.frames[0]).toMatchObject({ type: "setup" });
});

test("a mailbox records what is said after its beep", async () => {
  const sid = await dial({ persona: "voicemail" });
  const talk = await product.talk();
  const greeting = await talk.frame(isFinal);
  expect(String(greeting["voicePrompt"])).toMatch(/message|number/);
  talk.send(say("This is the office. Please call us back."));
  await waitFor(
    () => transcriptOf(sid).includes("agent: This is the office. Please call us back."),
    {
      describe: "the message to be recorded",
    },
  );
});
