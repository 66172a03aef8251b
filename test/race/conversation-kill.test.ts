// kill -9 in mid-conversation: the carrier's line breaks with the process, every call ends, its
// record holds what was heard up to the crash but at most the turn that was under way, and its
// analysis is made once.

import { expect, onTestFinished, test } from "vitest";
import type { Call } from "../../src/http/contract/call.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import {
  API_POLL_MS,
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startServerOn } from "../support/race-set-up.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";

const PHONES = testPhones(8);
/** Slow enough that a talk lasts for many turns while a test looks on. */
const SPEED = 6;
const CALLS_PER_SECOND = 10;
const WELCOME = "Hello, this is the dental office.";

interface HeardCall {
  readonly phone: string;
  /** What was heard of the agent, line by line, when the process died. */
  readonly agentLines: readonly string[];
  readonly personLines: readonly string[];
}

function talking(simulator: Simulator): readonly HeardCall[] {
  return [...simulator.books().calls(null)]
    .filter((call) => call.status === "in-progress")
    .map((call) => {
      const linesOf = (speaker: "agent" | "person") =>
        call.transcript.filter((line) => line.speaker === speaker).map((line) => line.text);
      return { phone: call.to, agentLines: linesOf("agent"), personLines: linesOf("person") };
    });
}

const lines = (call: Call, who: "AI" | "Caller") =>
  call.transcript.split("\n").filter((line) => line.startsWith(`${who}: `));

test("a killed conversation ends, keeps what was said, and is analysed once", async () => {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const simulator = await startCarrier(CALLS_PER_SECOND * 2, {
    speed: SPEED,
    people: Object.fromEntries(PHONES.map((phone) => [phone, "talkative"])),
  });
  const first = await startServerOn(simulator, db);
  const limits = { concurrentCalls: PHONES.length, callsPerSecond: CALLS_PER_SECOND };
  const tenant = await makeTenant(first, limits);
  const agent = { welcome_message: WELCOME };
  await first.ask("PUT", `/v1/agents/${tenant.agentId}`, agent, tenant.bearer);
  const campaignId = await createCampaign(first, tenant, PHONES);
  await waitFor(
    () => talking(simulator).filter(({ agentLines }) => agentLines.length >= 3).length >= 2,
    { timeoutMs: 60_000, describe: "two talks in their third turn" },
  );
  await first.end("SIGKILL");
  const heard = talking(simulator);

  const port = new URL(first.url).port;
  const second = await startServerOn(simulator, db, { CARILLON_PORT: port });
  const campaign = await waitUntilCompleted(second, tenant, campaignId);
  expect(campaign.counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  expect(simulator.summary().dialedMoreThanOnce).toEqual({});

  const path = `/v1/calls?campaign_id=${campaignId}&limit=200`;
  const calls = await waitFor(
    async () => {
      const { body } = await second.ask<Call[]>("GET", path, undefined, tenant.bearer);
      return body.every((call) => call.analysis_status !== "pending") ? body : null;
    },
    { timeoutMs: 120_000, pollMs: API_POLL_MS, describe: "every talk to be analysed" },
  );
  expect(heard.length).toBeGreaterThanOrEqual(2);
  for (const { phone, agentLines, personLines } of heard) {
    const call = calls.find((one) => one.to_number === phone);
    if (call === undefined) throw new Error(`there is no call to ${phone}`);
    const seen = `${call.transcript}\n--- heard:\n${agentLines.join("\n")}`;
    expect(call.ended_reason, seen).toMatch(/^(server_restart|stuck_ws_disconnect)$/);
    expect(call.end_timestamp).not.toBeNull();
    expect(lines(call, "AI").length, seen).toBeGreaterThanOrEqual(agentLines.length - 1);
    expect(lines(call, "Caller").length, seen).toBeGreaterThanOrEqual(personLines.length - 2);
    if (agentLines.length < 3) continue;
    expect(call.transcript).toContain(WELCOME);
    expect(call.answered_by).toBe("human");
    expect(call.disclosed_at).not.toBeNull();
    expect(call.answer_to_first_word_ms).not.toBeNull();
    expect(call.avg_latency_ms).not.toBeNull();
    expect(call.turns.length, seen).toBeGreaterThanOrEqual(agentLines.length - 2);
  }
  // A row a call, settled by one try; whoever died in the middle of one had claimed it before.
  const { rows } = await db.query<{ phone: string; version: number; attempts: number }>(
    `select c.to_number as phone, a.version, a.attempts from call_analyses a join calls c on c.id = a.call_id`,
  );
  for (const { phone } of heard) {
    const ofPhone = rows.filter((row) => row.phone === phone);
    expect(ofPhone).toEqual([{ phone, version: 1, attempts: 1 }]);
  }
});
