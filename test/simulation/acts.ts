// What people do to a world, through the product's own verbs, in the process that happens to answer
// them, which may die of it. What was committed is written down the moment it is.

import type { Instant } from "../../src/domain/instant.ts";
import type { E164 } from "../../src/domain/phone.ts";
import { createCampaignVerbs } from "../../src/engine/campaign-verbs.ts";
import type { Dice } from "../../src/simulator/dice.ts";
import { revokeApiKey, updateApiKey } from "../../src/store/api-keys.ts";
import { resumeDialing, stopDialing } from "../../src/store/installation.ts";
import { suppressPhone } from "../../src/store/suppressions.ts";
import type { DatabaseDesk, WorldConnection } from "./database-desk.ts";
import { readMoment, type Evidence } from "./evidence.ts";
import { append, edit, settleUncertain } from "./mid-campaign-acts.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { ActPlan, CampaignPlan } from "./world-plan.ts";

export interface ActParts {
  readonly desk: DatabaseDesk;
  readonly connection: WorldConnection;
  readonly evidence: Evidence;
  readonly dice: Dice;
  /** For what is done in mid-campaign. */
  readonly editDice: Dice;
  readonly onAppended: (count: number) => void;
  readonly now: () => Instant;
}

/** Carries one act out in a process. Rejects as the database does. */
export async function carryOut(
  parts: ActParts,
  process: SimulatedProcess,
  act: Pick<ActPlan, "kind" | "campaign">,
): Promise<void> {
  const { campaign } = act;
  const { keyId, id } = campaign;
  const verbs = verbsOf(parts, process, campaign);
  switch (act.kind) {
    case "launch":
      await verbs.launch(keyId, id, { respectWindow: false });
      return;
    case "launch_in_window":
      await verbs.launch(keyId, id, { respectWindow: true });
      return;
    case "pause":
      await verbs.pause(keyId, id);
      return;
    case "resume":
      await verbs.resume(keyId, id);
      return;
    case "cancel":
      await verbs.cancel(keyId, id, { hangUp: false });
      return;
    case "cancel_and_hang_up":
      await verbs.cancel(keyId, id, { hangUp: true });
      return;
    case "suppress":
      return suppress(parts, process, campaign);
    case "lower_limit":
      return changeLimit(parts, process, keyId);
    case "stop_dialing":
    case "restart_dialing":
      return switchDialing(parts, process, act.kind === "stop_dialing");
    case "edit_window":
    case "edit_end":
    case "edit_retries":
      return edit(parts, process, campaign, act.kind);
    case "append":
      return append(parts, process, campaign);
    case "settle_by_hand":
      return settleUncertain(parts, process, keyId);
    case "revoke_key":
      return revoke(parts, process, keyId);
  }
}

function verbsOf(parts: ActParts, process: SimulatedProcess, campaign: CampaignPlan) {
  const { desk, connection, evidence, now } = parts;
  const database = desk.databaseOf(process, async () => {
    const moment = await readMoment(connection, campaign.id, now());
    const moments = evidence.moments.get(campaign.id) ?? [];
    // Saying pause again moves nothing: it has held since the first time.
    if (moment === null || moments.at(-1)?.status === moment.status) return;
    moments.push(moment);
    evidence.moments.set(campaign.id, moments);
  });
  return createCampaignVerbs({ database, clock: process.clock });
}

async function suppress(
  parts: ActParts,
  process: SimulatedProcess,
  campaign: CampaignPlan,
): Promise<void> {
  const phone = parts.dice.pick(campaign.phones as unknown as [string, ...string[]]);
  // Now and then one of the whole installation.
  const keyId = parts.dice.chance(0.8) ? campaign.keyId : null;
  const database = parts.desk.databaseOf(process, () => {
    parts.evidence.suppressions.push({ keyId, phone, at: parts.now() });
    return Promise.resolve();
  });
  const id = `sup_${parts.evidence.suppressions.length}_${phone}`;
  const now = process.clock.now();
  const suppression = {
    id,
    phone: phone as E164,
    reason: null,
    keyId,
    source: "api",
    now,
  } as const;
  await database.transaction((tx) => suppressPhone(tx, suppression));
}

async function changeLimit(
  parts: ActParts,
  process: SimulatedProcess,
  keyId: string,
): Promise<void> {
  const limit = parts.dice.pick([1, 1, 2, 9] as const);
  const database = parts.desk.databaseOf(process, () => {
    parts.evidence.limits.push({ keyId, limit, at: parts.now() });
    return Promise.resolve();
  });
  await database.transaction((tx) => updateApiKey(tx, keyId, { concurrentCallLimit: limit }));
}

async function switchDialing(
  parts: ActParts,
  process: SimulatedProcess,
  isStopped: boolean,
): Promise<void> {
  const database = parts.desk.databaseOf(process, () => {
    const { stops } = parts.evidence;
    if (stops.at(-1)?.isStopped !== isStopped) stops.push({ isStopped, at: parts.now() });
    return Promise.resolve();
  });
  await database.transaction(async (tx) => {
    if (isStopped) await stopDialing(tx, process.clock.now(), "an operator said so");
    else await resumeDialing(tx);
  });
}

async function revoke(parts: ActParts, process: SimulatedProcess, keyId: string): Promise<void> {
  const database = parts.desk.databaseOf(process, () => {
    parts.evidence.revocations.push({ keyId, at: parts.now() });
    return Promise.resolve();
  });
  await database.transaction((tx) => revokeApiKey(tx, keyId, process.clock.now()));
}
