// A list that is appended while the engine finishes its campaign: whichever takes the campaign's
// row first is right, and nobody of the list is forgotten in a completed campaign.

import { afterAll, expect, test } from "vitest";
import { finishCampaigns } from "../../src/store/campaign-engine.ts";
import { countAppended, lockForAppend } from "../../src/store/campaign-append.ts";
import { testServer } from "../http/test-server.ts";
import { testDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";

const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
afterAll(() => server.app.close());

test("a finish that waited for an append does not complete the campaign", async () => {
  const made = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: "Remind them.",
    recipients: [{ phone: "+12025550101" }],
  });
  const id = made.body.campaign_id as string;
  await db.query("update recipients set settled = true, claimable = false, state = 'reached'");
  const finishing: Promise<number>[] = [];
  await db.transaction(async (tx) => {
    expect(await lockForAppend(tx, id)).toEqual({ status: "running" });
    await tx.query(
      `insert into recipients (campaign_id, key_id, row_index, phone, variables, due_at)
       select campaign_id, key_id, 1, '+12025550102', '{}', due_at from recipients where campaign_id = $1`,
      [id],
    );
    await countAppended(tx, id, { validCount: 1, invalidCount: 0, duplicateCount: 0 });
    finishing.push(finishCampaigns(db, server.clock.now()));
    await waitFor(
      async () => {
        const { rows } = await db.query<{ n: number }>(
          "select count(*) as n from pg_locks where not granted",
        );
        return (rows[0]?.n ?? 0) > 0;
      },
      { describe: "the finish waits for the row" },
    );
  });
  expect(await Promise.all(finishing)).toEqual([0]);
  const { body } = await caller.ask("GET", `/v1/calls/batch/${id}`);
  expect(body).toMatchObject({ status: "running", recipients_count: 2 });
  await db.query("update recipients set settled = true, claimable = false, state = 'reached'");
  expect(await finishCampaigns(db, server.clock.now())).toBe(1);
});
