// The carrier's markup: how it is read, and what each verb does to a call.

import { afterEach, expect, test } from "vitest";
import type { FastifyReply } from "fastify";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { parseTwiml } from "../../src/simulator/twiml/parse-twiml.ts";
import { waitFor } from "../support/wait-for.ts";
import { startProductServer } from "./product-server.ts";
import type { ProductServer, Received } from "./product-server.ts";
import { FROM, sdkFor, startTestSimulator } from "./test-simulator.ts";

const TO = "+12025550123";

test("markup is read with its attributes, entities, comments and character data", () => {
  const parsed = parseTwiml(
    `<?xml version="1.0"?><!-- hello --><Response>
       <Say voice='a"b' loop="2">Tom &amp; Ann &#38; &#x26; <![CDATA[<Bob>]]></Say>
       <Connect action="https://h/x?a=1&amp;b=2"><ConversationRelay url="wss://h/y"/></Connect>
     </Response>`,
  );
  expect(parsed).toEqual({
    kind: "document",
    verbs: [
      {
        name: "Say",
        attributes: { voice: 'a"b', loop: "2" },
        children: [],
        text: "Tom & Ann & & <Bob>",
      },
      {
        name: "Connect",
        attributes: { action: "https://h/x?a=1&b=2" },
        children: [
          { name: "ConversationRelay", attributes: { url: "wss://h/y" }, children: [], text: "" },
        ],
        text: "",
      },
    ],
  });
});

test.each([
  ["<Response>"],
  ["<Response></response>"],
  ["<Response><Say>a & b</Say></Response>"],
  ["<Response><Say>&nbsp;</Say></Response>"],
  ["<Response/><Response/>"],
  ["<Reply/>"],
  ["text"],
  ["<Response a=1/>"],
  ['<Response a="1" a="2"/>'],
  ["<!DOCTYPE x [<!ENTITY a 'b'>]><Response/>"],
  [`<Response>${"<a>".repeat(20)}${"</a>".repeat(20)}</Response>`],
])("malformed markup is refused: %s", (source) => {
  expect(parseTwiml(source).kind).toBe("malformed");
});

let simulator: Simulator | null = null;
let product: ProductServer | null = null;

afterEach(async () => {
  await simulator?.close();
  await product?.close();
  simulator = null;
  product = null;
});

interface Outcome {
  readonly lines: readonly string[];
  readonly endedBecause: string | null;
  readonly received: readonly Received[];
}

/** Runs a call to its end. `$` in markup and addresses stands for the product's server. */
async function runCall(
  fields: Record<string, unknown>,
  pages: Readonly<
    Record<string, string | ((received: Received, reply: FastifyReply) => unknown)>
  > = {},
  persona = "silent",
  others: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const server = await startProductServer((received, reply) => {
    const page = pages[received.path];
    if (typeof page === "function") return page(received, reply);
    return page === undefined
      ? undefined
      : reply.type("text/xml").send(page.replaceAll("$", server.url));
  });
  product = server;
  const running = await startTestSimulator({ people: { [TO]: persona, ...others } });
  simulator = running;
  const replaced = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? value.replaceAll("$", server.url) : value,
  ]);
  const call = await sdkFor(running).calls.create({
    to: TO,
    from: FROM,
    ...(Object.fromEntries(replaced) as object),
  });
  const booked = running.books().findCall(call.sid);
  await waitFor(() => booked?.endedAt, { describe: "the call to end" });
  return {
    lines: (booked?.transcript ?? []).map((line) => `${line.speaker}: ${line.text}`),
    endedBecause: booked?.endedBecause ?? null,
    received: server.received,
  };
}

test("verbs run in order, and nothing runs after Hangup", async () => {
  const { lines, endedBecause } = await runCall({
    twiml:
      "<Response><Say>One.</Say><Pause length='1'/><Play>https://h/a.mp3</Play><Say loop='2'>Two.</Say>" +
      "<Hangup/><Say>Three.</Say></Response>",
  });
  expect(lines).toEqual(["agent: One.", "agent: Two.", "agent: Two."]);
  expect(endedBecause).toBe("script ended");
});

test("a script is fetched with the call's fields, and redirects to another", async () => {
  const { lines, received } = await runCall(
    { url: "$/first" },
    {
      "/first":
        "<Response><Say>First.</Say><Redirect method='GET'>second?x=1</Redirect></Response>",
      "/second": "<Response><Say>Second.</Say></Response>",
    },
  );
  expect(lines).toEqual(["agent: First.", "agent: Second."]);
  expect(received[0]).toMatchObject({
    method: "POST",
    form: { To: TO, From: FROM, CallStatus: "in-progress", Direction: "outbound-api" },
  });
  expect(received[1]?.method).toBe("GET");
  expect(received[1]?.url).toContain("/second?x=1&CallSid=CA");
});

test.each([
  ["<Response><Dance/></Response>", "12200"],
  ["<Response><Say>open</Response>", "12100"],
])("markup that cannot be run leads to the fallback address: %s", async (markup, code) => {
  const { lines, received } = await runCall(
    { url: "$/script", fallbackUrl: "$/fallback" },
    { "/script": markup, "/fallback": "<Response><Say>Sorry.</Say></Response>" },
  );
  const fallback = received.find((each) => each.path === "/fallback");
  expect(fallback?.form).toMatchObject({ ErrorCode: code });
  expect(fallback?.form["ErrorUrl"]).toMatch(/\/script$/);
  expect(lines).toEqual(["agent: Sorry."]);
});

test("a script that cannot be had, without a fallback, ends the call", async () => {
  const { endedBecause } = await runCall(
    { url: "$/script" },
    { "/script": (_received, reply) => reply.code(500).send("no") },
  );
  expect(endedBecause).toBe("script failed");
});

test("a script that redirects to itself ends", async () => {
  const { endedBecause } = await runCall(
    { url: "$/loop" },
    { "/loop": "<Response><Redirect>$/loop</Redirect></Response>" },
  );
  expect(endedBecause).toBe("script failed");
});

test("digits that a person presses go to Gather's action", async () => {
  const { received, lines } = await runCall(
    {
      twiml:
        "<Response><Gather action='$/digits' numDigits='1'><Say>Please press two.</Say></Gather>" +
        "<Say>Nothing.</Say></Response>",
    },
    { "/digits": "<Response><Say>Thank you.</Say></Response>" },
    "terse",
  );
  expect(received.find((each) => each.path === "/digits")?.form).toMatchObject({ Digits: "2" });
  expect(lines).toContain("agent: Thank you.");
  expect(lines).not.toContain("agent: Nothing.");
});

test("Gather goes on when nobody presses anything", async () => {
  const { lines } = await runCall({
    twiml:
      "<Response><Gather timeout='1' action='$/digits'><Say>Press two.</Say></Gather>" +
      "<Say>Nothing.</Say></Response>",
  });
  expect(lines).toEqual(["agent: Press two.", "agent: Nothing."]);
});

test("what a person says goes to Gather's action when speech is asked for", async () => {
  const { received } = await runCall(
    {
      twiml:
        "<Response><Gather input='dtmf speech' action='$/said' timeout='60'>" +
        "<Say>Can you still make it?</Say></Gather></Response>",
    },
    { "/said": "<Response><Hangup/></Response>" },
    "terse",
  );
  const said = received.find((each) => each.path === "/said");
  expect(said?.form["SpeechResult"]).toMatch(/\w/);
});

test.each([
  ["terse", "completed"],
  ["no_answer", "no-answer"],
  ["rejected", "no-answer"],
  ["busy", "busy"],
  ["invalid_number", "failed"],
])("a colleague whose phone is %s: Dial's action hears %s", async (persona, status) => {
  const colleague = "+12025550124";
  const { received, lines } = await runCall(
    {
      twiml: `<Response><Dial timeout='30' action='$/dialed'>${colleague}</Dial><Say>Never.</Say></Response>`,
    },
    { "/dialed": "<Response><Say>Then this.</Say></Response>" },
    "silent",
    { [colleague]: persona },
  );
  const dialed = received.find((each) => each.path === "/dialed");
  expect(dialed?.form).toMatchObject({ DialCallStatus: status });
  expect(lines).toEqual(["agent: Then this."]);
});

test("without an action the script goes on after Dial", async () => {
  const { lines } = await runCall({
    twiml: "<Response><Dial>+12025550124</Dial><Say>Goodbye.</Say></Response>",
  });
  expect(lines).toEqual(["agent: Goodbye."]);
});

test("a recording started by the script is reported after the call", async () => {
  const { received } = await runCall({
    twiml:
      "<Response><Start><Recording recordingStatusCallback='$/recording' channels='dual'/></Start>" +
      "<Say>Recorded.</Say></Response>",
  });
  const recording = await waitFor(() => received.find((each) => each.path === "/recording"), {
    describe: "the recording's callback",
  });
  expect(recording.form).toMatchObject({ RecordingStatus: "completed", RecordingTrack: "both" });
  expect(recording.form["RecordingSid"]).toMatch(/^RE[0-9a-f]{32}$/);
});
