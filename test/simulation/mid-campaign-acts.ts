// What people do while a campaign runs: its owner edits it, appends to it and decides what is
// uncertain; somebody who is being talked to asks to be called again.

import { WEEKDAYS } from "../../src/domain/calling-window.ts";
import { appendRefusal } from "../../src/domain/campaign-life.ts";
import { HAND_OUTCOMES } from "../../src/domain/hand-settlement.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { Queryable } from "../../src/ports/database.ts";
import { openDice } from "../../src/simulator/dice.ts";
import { editCampaign, type CampaignEdit } from "../../src/engine/campaign-edit.ts";
import { settleByHand } from "../../src/engine/settle-by-hand.ts";
import { countAppended, lockForAppend, nextRowIndex } from "../../src/store/campaign-append.ts";
import { recordConversationFacts } from "../../src/store/conversations.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { settleSuppressedOfCampaign } from "../../src/store/suppressed-recipients.ts";
import type { ActParts } from "./acts.ts";
import { drawLifeMs, drawRetryPolicy, drawWindow } from "./draw-campaigns.ts";
import { readSettings } from "./evidence.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { phoneOf, type ActKind, type CampaignPlan } from "./world-plan.ts";

/** PATCH of the window, of the end or of the retries. */
export async function edit(
  parts: ActParts,
  process: SimulatedProcess,
  campaign: CampaignPlan,
  kind: Extract<ActKind, `edit_${string}`>,
): Promise<void> {
  const { desk, connection, evidence, now } = parts;
  const change = drawEdit(parts, campaign, kind);
  const database = desk.databaseOf(process, async () => {
    const settings = await readSettings(connection, campaign.id, now());
    if (settings !== null) evidence.settings.get(campaign.id)?.push(settings);
  });
  await editCampaign({ database, clock: process.clock }, campaign.keyId, campaign.id, change);
}

function drawEdit(
  { editDice: dice, now }: ActParts,
  { zone, zoneGroups }: CampaignPlan,
  kind: Extract<ActKind, `edit_${string}`>,
): CampaignEdit {
  switch (kind) {
    case "edit_window": {
      if (zoneGroups.length === 0 && dice.chance(0.2)) {
        return { window_start_minutes: null, window_end_minutes: null, window_days: null };
      }
      const { startMinutes, endMinutes, days } = drawWindow(dice, now(), zone);
      return {
        window_start_minutes: startMinutes,
        window_end_minutes: endMinutes,
        window_days: days.length === WEEKDAYS.length ? null : days,
      };
    }
    case "edit_end":
      return { expiresAt: dice.chance(0.3) ? null : now() + Math.floor(drawLifeMs(dice)) };
    case "edit_retries":
      return { retryPolicy: dice.chance(0.3) ? null : drawRetryPolicy(dice) };
  }
}

/** POST of a few recipients, as http/append-write.ts does it; only the list is inserted. */
export async function append(
  { desk, editDice: dice, onAppended }: ActParts,
  process: SimulatedProcess,
  { id, keyId, zoneGroups }: CampaignPlan,
): Promise<void> {
  const phones = Array.from({ length: Math.ceil(dice.between(0, 4)) }, () =>
    phoneOf(Math.floor(dice.between(0, 60))),
  );
  const database = desk.databaseOf(process, () => Promise.resolve());
  const isAppended = await database.transaction(async (tx) => {
    const now = process.clock.now();
    await insertRecipients(tx, { id, keyId, groups: zoneGroups.length }, phones, now);
    await settleSuppressedOfCampaign(tx, { id, keyId }, now);
    const campaign = await lockForAppend(tx, id);
    if (campaign === null || appendRefusal(campaign.status) !== null) {
      throw new Error("the campaign takes no more recipients");
    }
    await countAppended(tx, id, { validCount: phones.length, invalidCount: 0, duplicateCount: 0 });
    return true;
  });
  if (isAppended) onAppended(phones.length);
}

async function insertRecipients(
  tx: Queryable,
  campaign: { readonly id: string; readonly keyId: string; readonly groups: number },
  phones: readonly string[],
  now: Instant,
): Promise<void> {
  const firstRowIndex = await nextRowIndex(tx, campaign.id);
  await tx.query(
    `insert into recipients (campaign_id, key_id, row_index, phone, variables, due_at, zone_group)
     select g.id, g.key_id, $3 + n - 1, phone, '{}', $4, case when $5 = 0 then 0 else 1 + (n - 1) % $5::int end
     from campaigns g, unnest($2::text[]) with ordinality as u(phone, n) where g.id = $1 order by n`,
    [campaign.id, phones, firstRowIndex, sqlInstant(now), campaign.groups],
  );
}

/** Whoever is on this call asks to be called again in some minutes. */
export async function askCallback(
  { desk, evidence, now }: ActParts,
  process: SimulatedProcess,
  id: string,
): Promise<void> {
  const dice = openDice(evidence.plan.seed, "wish", id);
  const callbackAt = now() + Math.floor(dice.between(60_000, 600_000));
  let recipientId: number | null = null;
  const database = desk.databaseOf(process, () => {
    if (recipientId !== null) evidence.wishes.push({ recipientId, notBefore: callbackAt });
    return Promise.resolve();
  });
  const place = { process: process.name, sessionId: `VX_${id}` };
  await database.transaction(async (tx) => {
    const { rows } = await tx.query<{ recipientId: number }>(
      `select recipient_id as "recipientId" from calls
       where id = $1 and campaign_id is not null and status = 'in_progress' for update`,
      [id],
    );
    recipientId = rows[0]?.recipientId ?? null;
    if (recipientId === null) return;
    await recordConversationFacts(tx, id, { ...NOTHING_SAID, callbackAt }, place);
  });
}

const NOTHING_SAID = {
  transcript: [],
  endCause: null,
  modelAskedAt: null,
  modelFirstTokenAt: null,
  modelFailedAt: null,
  avgLatencyMs: null,
  verdict: null,
  evidence: [],
  answerToFirstWordMs: null,
  turns: [],
  disclosedAt: null,
  optOut: null,
  toolCalls: [],
} as const;

/** The key's owner decides about every call that is uncertain. */
export async function settleUncertain(
  { desk, connection, evidence, editDice: dice, now }: ActParts,
  process: SimulatedProcess,
  keyId: string,
): Promise<void> {
  // Through the process's own connection: what is asked outside the timeline is not repeatable.
  const { rows: uncertain } = await desk.databaseOf(process).query<{
    id: string;
    recipientId: number;
  }>(
    `select id, recipient_id as "recipientId" from calls
     where key_id = $1 and status = 'uncertain' order by id`,
    [keyId],
  );
  for (const { id, recipientId } of uncertain) {
    const outcome = dice.pick(HAND_OUTCOMES);
    const database = desk.databaseOf(process, async () => {
      const [row] = await connection.observe<{ state: string }>(
        "select state from recipients where id = $1",
        [recipientId],
      );
      if (row?.state !== "uncertain") evidence.handWords.push({ recipientId, outcome, at: now() });
    });
    const request = { outcome, carrierCallId: null, note: null };
    await settleByHand({ database, clock: process.clock }, keyId, id, request);
  }
}
