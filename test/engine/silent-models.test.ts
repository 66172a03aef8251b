// When an account is paused because the model says nothing, and when calls without a word of it
// prove nothing.

import { expect, test } from "vitest";
import { recordConversationFacts, type ConversationFacts } from "../../src/store/conversations.ts";
import { makeWorld, START, type World } from "./engine-world.ts";

const PLACE = { process: "proc_1", sessionId: "VX1" };
const ASKED: ConversationFacts = {
  transcript: [],
  endCause: null,
  modelAskedAt: START,
  modelFirstTokenAt: null,
  modelFailedAt: null,
  avgLatencyMs: null,
  verdict: null,
  evidence: [],
  answerToFirstWordMs: null,
  turns: [],
  disclosedAt: null,
  optOut: null,
  callbackAt: null,
  toolCalls: [],
};

/** The account after three calls that ended with these facts. */
async function pauseAfter(facts: ConversationFacts): Promise<string | null> {
  const world = await makeWorld({ slots: 3 });
  await world.addCampaign(["+12025550101", "+12025550102", "+12025550103"]);
  await world.run(3_000);
  expect(world.carrier.placed).toHaveLength(3);
  for (const placed of world.carrier.placed) {
    await world.report(placed, "in_progress");
    await recordConversationFacts(world.db, placed.order.callId, facts, PLACE);
    await world.report(placed, "completed", { durationSeconds: 5 });
  }
  return pauseReason(world);
}

async function pauseReason({ db, keyId }: World): Promise<string | null> {
  const { rows } = await db.query<{ reason: string | null }>(
    "select pause_reason as reason from carrier_accounts where id = $1",
    [keyId.replace("key", "acct")],
  );
  expect(rows).toHaveLength(1);
  return rows[0]?.reason ?? null;
}

test("three calls on which the model was given up on pause the account", async () => {
  expect(await pauseAfter({ ...ASKED, modelFailedAt: START + 6_000 })).toContain("said nothing");
});

test("calls that ended before the model had time, or whose process died, pause nobody", async () => {
  expect(await pauseAfter(ASKED)).toBeNull();
});

test("a model that failed later, after its first words, is not silent", async () => {
  const facts = { ...ASKED, modelFirstTokenAt: START + 400, modelFailedAt: START + 9_000 };
  expect(await pauseAfter(facts)).toBeNull();
});
