// Every verb against every state of a campaign, said twice at once, to two processes: both answers
// and what the campaign is afterwards, as one table.

import { expect, onTestFinished, test } from "vitest";
import { createCampaign, makeTenant, testPhones } from "../support/campaign-set-up.ts";
import { startCarrier, startTwoServers } from "../support/race-set-up.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const STATES = ["scheduled", "running", "paused", "paused before it started", "completed"] as const;
const ENDED = ["canceled", "failed"] as const;
type State = (typeof STATES)[number] | (typeof ENDED)[number];
type Verb = "launch" | "pause" | "resume" | "cancel" | "edit";

// What both callers are answered (a status of the campaign, or an error's code), which is also what
// it then is, unless it was refused.
const TABLE: Readonly<Record<State, Readonly<Record<Verb, string>>>> = {
  scheduled: {
    launch: "running",
    pause: "paused",
    resume: "scheduled",
    cancel: "canceled",
    edit: "scheduled",
  },
  running: {
    launch: "running",
    pause: "paused",
    resume: "running",
    cancel: "canceled",
    edit: "running",
  },
  paused: {
    launch: "running",
    pause: "paused",
    resume: "running",
    cancel: "canceled",
    edit: "paused",
  },
  "paused before it started": {
    launch: "running",
    pause: "paused",
    resume: "scheduled",
    cancel: "canceled",
    edit: "paused",
  },
  completed: {
    launch: "campaign_already_completed",
    pause: "campaign_already_completed",
    resume: "campaign_already_completed",
    cancel: "campaign_already_completed",
    edit: "campaign_already_completed",
  },
  canceled: {
    launch: "campaign_state_conflict",
    pause: "campaign_state_conflict",
    resume: "campaign_state_conflict",
    cancel: "canceled",
    edit: "campaign_state_conflict",
  },
  failed: {
    launch: "campaign_state_conflict",
    pause: "campaign_state_conflict",
    resume: "campaign_state_conflict",
    cancel: "campaign_state_conflict",
    edit: "campaign_state_conflict",
  },
};

// Far enough that no process fires or dials while the table is tried.
const FAR_AWAY = "2040-06-12T09:00:00Z";

async function bring(db: TestDatabase, id: string, state: State): Promise<string> {
  const status = state.startsWith("paused") ? "paused" : state;
  const hasStarted = state !== "scheduled" && state !== "paused before it started";
  await db.query(
    `update campaigns set status = $2, started_at = case when $3 then created_at end, opens_at = $4,
       closes_at = 'infinity', windows_open_from = $4, scheduled_date = '2040-06-12', schedule_type = 'schedule',
       closing = false, launched_at = null, window_overridden_until = null where id = $1`,
    [id, status, hasStarted, FAR_AWAY],
  );
  await db.query("update recipients set due_at = $2 where campaign_id = $1", [id, FAR_AWAY]);
  return status;
}

function say(server: ServerProcess, bearer: string, id: string, verb: Verb): Promise<string> {
  const path = `/v1/calls/batch/${id}${verb === "edit" ? "" : `/${verb}`}`;
  const [method, body] = verb === "edit" ? ["PATCH", { name: "Edited" }] : ["POST", {}];
  return server
    .ask<{ status?: string; error?: { code: string } }>(String(method), path, body, bearer)
    .then(({ body: answer }) => answer.status ?? answer.error?.code ?? "nothing");
}

test("the table of verbs and states holds, twice at once, across processes", async () => {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const simulator = await startCarrier(20);
  const servers = await startTwoServers(simulator, db);
  const tenant = await makeTenant(servers[0], { concurrentCalls: 5, callsPerSecond: 5 });

  const seen: Record<string, Record<string, string>> = {};
  const phones = testPhones(60);
  for (const [state, verbs] of Object.entries(TABLE) as [State, Record<Verb, string>][]) {
    const row: Record<string, string> = {};
    for (const verb of Object.keys(verbs) as Verb[]) {
      const phone = phones.pop();
      if (phone === undefined) throw new Error("too few phones");
      // A phone of its own: an identical body would answer the campaign before.
      const later = { schedule_type: "schedule", scheduled_date: "2035-06-12" };
      const id = await createCampaign(servers[0], tenant, [phone], later);
      const before = await bring(db, id, state);
      const answers = await Promise.all(
        servers.map((server) => say(server, tenant.bearer, id, verb)),
      );
      const { rows } = await db.query<{ status: string }>(
        "select status from campaigns where id = $1",
        [id],
      );
      const isRefusal = answers[0]?.startsWith("campaign_") ?? false;
      const after = rows[0]?.status;
      const expected = isRefusal ? before : answers[0];
      row[verb] =
        answers[0] === answers[1] && after === expected
          ? String(answers[0])
          : `${answers.join(" and ")}, then ${after}`;
    }
    seen[state] = row;
  }
  expect(seen).toEqual(TABLE);
  expect(simulator.summary().calls).toBe(0);
});
