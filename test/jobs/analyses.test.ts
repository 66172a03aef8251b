// Analysis after the call, from the end of a conversation to its webhook. The model's answers are
// written down by the tests.

import { expect, test } from "vitest";
import { requestAnalysis } from "../../src/store/call-analyses.ts";
import { replacePrompt } from "../../src/store/campaign-edit.ts";
import { findCall } from "../../src/store/call-list.ts";
import { testPhones } from "../support/campaign-set-up.ts";
import { webhookReceiver } from "../support/webhook-receiver.ts";
import { makeJobsWorld, type JobsWorld } from "./jobs-world.ts";

const MINUTE_MS = 60_000;
const TALK = [
  { role: "agent", text: "Hello, can you come on Friday?" },
  { role: "caller", text: "Yes, I can come. But only after four o'clock please." },
  { role: "caller", text: "My name is Ada, and thank you for calling." },
];
const FIELDS = [
  { type: "text", name: "Name", description: "Of the person." },
  { type: "selector", name: "Day", description: "Which day.", choices: ["Friday", "Monday"] },
  { type: "boolean", name: "Comes", description: "Whether they come." },
  { type: "number", name: "Guests", description: "How many." },
];

const answerWith = (fields: object, more: object = {}): string =>
  JSON.stringify({
    summary: "Ada comes on Friday.",
    successful: true,
    sentiment: "happy",
    extracted: {
      field_1: { value: "Ada", quote: "my name is Ada" },
      field_2: { value: "Friday", quote: "come on Friday?" },
      field_3: { value: true, quote: "Yes, I can come" },
      field_4: { value: null, quote: null },
      ...fields,
    },
    ...more,
  });

/** A call that was talked on and has ended; answers its id. */
async function endedCall(world: JobsWorld, talk: readonly object[] = TALK): Promise<string> {
  await world.db.query("update agents set settings = settings || $1::jsonb", [
    JSON.stringify({ data_extraction_fields: FIELDS }),
  ]);
  await world.addCampaign(testPhones(1));
  await world.run(1_000);
  const placed = world.carrier.placed.at(-1);
  if (placed === undefined) throw new Error("nobody was called");
  await world.report(placed, "in_progress");
  await world.db.query("update calls set transcript = $1", [JSON.stringify(talk)]);
  await world.report(placed, "completed");
  return placed.order.callId;
}

async function analysed(world: JobsWorld, callId: string): Promise<any> {
  return (await findCall(world.db, world.keyId, callId))?.analysis;
}

test("an analysis is kept on the call, told, and sends the waiting end with it", async () => {
  const world = await makeJobsWorld();
  const receiver = await webhookReceiver();
  await world.setWebhooks({ agent: receiver.url });
  const callId = await endedCall(world);
  world.model.scriptAnswers({ kind: "answered", text: answerWith({}) });
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({ state: "pending" });
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({
    state: "done",
    summary: "Ada comes on Friday.",
    successful: true,
    sentiment: "happy",
    extracted: { Name: "Ada", Day: "Friday", Comes: true, Guests: null },
    evidence: { Name: "my name is Ada" },
  });
  const told = receiver.received.map((each) => each.payload);
  expect(told.map((payload) => payload.event).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "call.analyzed",
    "call.completed",
    "call.started",
  ]);
  for (const payload of told.filter((each) => each.event !== "call.started")) {
    expect(payload).toMatchObject({
      summary: "Ada comes on Friday.",
      sentiment: "happy",
      successful: true,
      extracted: { Name: "Ada" },
      analysis_status: "done",
    });
  }
});

test("a call is judged by the purpose that it was dialed with", async () => {
  const world = await makeJobsWorld();
  const callId = await endedCall(world);
  const { rows } = await world.db.query<{ id: string }>("select id from campaigns");
  await replacePrompt(world.db, rows[0]?.id ?? "", "Sell a cruise.");
  world.model.scriptAnswers({ kind: "answered", text: answerWith({}) });
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({ state: "done" });
  expect(world.model.questions).toHaveLength(1);
  expect(world.model.questions[0]).toContain("<purpose>\nSay hello.\n</purpose>");
});

test("a value whose words nobody said is dropped", async () => {
  const world = await makeJobsWorld();
  const callId = await endedCall(world);
  const invented = {
    field_1: { value: "Grace", quote: "my name is Grace" },
    field_4: { value: 3, quote: null },
  };
  world.model.scriptAnswers({ kind: "answered", text: answerWith(invented) });
  world.clock.advance(5_000);
  await world.work();
  const { extracted } = await analysed(world, callId);
  expect(extracted).toEqual({ Name: null, Day: "Friday", Comes: true, Guests: null });
});

test.each([
  ["no JSON", "I think it went well."],
  ["a value that is no choice", answerWith({ field_2: { value: "Sunday", quote: "Friday" } })],
  ["a text for a boolean", answerWith({ field_3: { value: "yes", quote: "Yes" } })],
  ["another mood", answerWith({}, { sentiment: "angry" })],
  ["a missing field", JSON.stringify({ summary: "x", successful: true, sentiment: "happy" })],
])("%s is repaired once, else failed with the text kept", async (_name, text) => {
  const world = await makeJobsWorld();
  const repaired = await endedCall(world);
  world.model.scriptAnswers({ kind: "answered", text }, { kind: "answered", text: answerWith({}) });
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, repaired)).toMatchObject({ state: "done" });
  await requestAnalysis(world.db, world.keyId, repaired, world.clock.now());
  world.model.scriptAnswers({ kind: "answered", text }, { kind: "answered", text });
  await world.work();
  expect(await analysed(world, repaired)).toMatchObject({
    state: "failed",
    version: 2,
    raw_text: text,
    // What an earlier run had found stays.
    summary: "Ada comes on Friday.",
  });
});

test.each([
  ["nobody spoke", []],
  ["one turn", [{ role: "caller", text: "one two three four five six seven eight nine ten" }]],
  [
    "nine words",
    [
      { role: "caller", text: "one two three four five" },
      { role: "caller", text: "six seven eight nine" },
    ],
  ],
])("a short call is not asked about: %s", async (_name, talk) => {
  const world = await makeJobsWorld();
  const callId = await endedCall(world, talk);
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({
    state: "skipped",
    summary: "The call was too short to analyse.",
    successful: false,
  });
});

test.each([
  ["the conversation", "human", "machine", "voicemail_detected", "A machine answered."],
  ["both", "machine", "machine", "voicemail_detected", null],
  ["the conversation, of a fax", null, "fax", "voicemail_detected", "A machine answered."],
])("a machine's greeting is not asked about: found by %s", async (...row) => {
  const [_who, carrierAnsweredBy, answeredBy, cause, summary] = row;
  const world = await makeJobsWorld();
  const callId = await endedCall(world);
  await world.db.query(
    "update calls set carrier_answered_by = $1, answered_by = $2, ended_reason = $3",
    [carrierAnsweredBy, answeredBy, cause],
  );
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({
    state: "skipped",
    summary,
    successful: false,
    sentiment: null,
    extracted: {},
  });
  expect(world.model.questions).toEqual([]);
});

test("a person's words are asked about, whatever the carrier took them for", async () => {
  const world = await makeJobsWorld();
  const callId = await endedCall(world);
  await world.db.query(
    "update calls set carrier_answered_by = 'machine', answered_by = 'human', ended_reason = 'completed'",
  );
  world.model.scriptAnswers({ kind: "answered", text: answerWith({}) });
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({ state: "done", successful: true });
});

test("a model that is away is asked again; a dead process's question too, and settled once", async () => {
  const world = await makeJobsWorld();
  const callId = await endedCall(world);
  world.model.scriptAnswers({ kind: "failed", retryable: true, message: "HTTP 503" });
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({ state: "pending", error: "HTTP 503" });
  // Claimed, and never heard of again.
  world.clock.advance(MINUTE_MS);
  await world.db.query("update call_analyses set claims = claims + 1, due_at = $1", [
    new Date(world.clock.now() + 90_000).toISOString(),
  ]);
  await world.work();
  world.clock.advance(90_000);
  world.model.scriptAnswers({ kind: "answered", text: answerWith({}) });
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({ state: "done", error: null });
});

test("a refusal of the model fails at once and says why", async () => {
  const world = await makeJobsWorld();
  const callId = await endedCall(world);
  world.model.scriptAnswers({ kind: "failed", retryable: false, message: "set CARILLON_MODEL" });
  world.clock.advance(5_000);
  await world.work();
  expect(await analysed(world, callId)).toMatchObject({
    state: "failed",
    error: "set CARILLON_MODEL",
  });
});
