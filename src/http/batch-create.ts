// From a parsed batch to a campaign in the database. Everything that can be refused is refused
// before the transaction; inside it stand the look for an earlier identical create, the campaign,
// its list and the stored answer, all or nothing.

import { createHash } from "node:crypto";

import type { FastifyRequest } from "fastify";

import { AppError } from "../domain/app-error.ts";
import { resolveSchedule, type CampaignSchedule } from "../domain/campaign-schedule.ts";
import type { Instant } from "../domain/instant.ts";
import { RECIPIENT_ZONES, zoneDataVersion } from "../domain/time-zone.ts";
import type { Queryable } from "../ports/database.ts";
import { findAgent } from "../store/agents.ts";
import {
  copyRecipients,
  findSameBody,
  insertCampaign,
  lockBody,
} from "../store/campaign-create.ts";
import { enqueueCampaignDeliveries } from "../store/deliveries.ts";
import type { PhoneNumberRow } from "../store/phone-numbers.ts";
import { settleSuppressedOfCampaign } from "../store/suppressed-recipients.ts";
import { addGroups } from "../store/zone-groups.ts";
import { agentNotFound } from "./agent-routes.ts";
import type { ParsedBatch } from "./batch-parsing.ts";
import { expiryOf, retryPolicyOf } from "./campaign-fields.ts";
import { chooseNumber } from "./calling-number.ts";
import type { CreatedBatch } from "./contract/batch.ts";
import { commitAnswer } from "./idempotency.ts";
import { requireModel } from "./require-model.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

/** A client that timed out sends the same create again within minutes (DESIGN §5). */
const SAME_BODY_MS = 10 * 60_000;

export interface BatchContext {
  readonly campaignId: string;
  readonly keyId: string;
  readonly createdAt: Instant;
}

type Ports = Pick<HttpDependencies, "database" | "clock" | "model">;

/** What a batch that may be created would be. */
export interface BatchPlan extends BatchContext {
  readonly batch: ParsedBatch;
  readonly agentId: string;
  readonly number: PhoneNumberRow;
  readonly schedule: CampaignSchedule;
  readonly expiresAt: Instant | null;
}

/**
 * Creates the campaign, or finds the one that an identical body created less than 10 minutes ago. A
 * request with an Idempotency-Key says by that key what is the same, so its body is not compared.
 */
export async function createBatch(
  ports: Ports,
  request: FastifyRequest,
  batch: ParsedBatch,
  context: BatchContext,
): Promise<{ readonly status: number; readonly body: string; readonly isReplay: boolean }> {
  const mayRepeat = request.idempotentWork !== null || (batch.fields.allow_duplicate ?? false);
  const find = (db: Queryable): Promise<Created | null> => {
    const { keyId, createdAt } = context;
    return findSameBody(db, keyId, batch.bodyHash, createdAt - SAME_BODY_MS);
  };
  // Looked for before anything is checked: a create that succeeded is not denied because an agent
  // is gone since.
  const known = mayRepeat ? null : await find(ports.database);
  if (known !== null) {
    return { status: 201, body: JSON.stringify(presentBatch(batch, known)), isReplay: true };
  }
  const plan = await planBatch(ports.database, batch, context);
  requireModel(ports.model);
  let isReplay = false;
  const answer = await commitAnswer(ports, request, async (tx) => {
    // Of identical creates at once the first writes; the others wait here and then find it.
    if (!mayRepeat) await lockBody(tx, lockNumberOf(plan));
    const earlier = mayRepeat ? null : await find(tx);
    isReplay = earlier !== null;
    const created = earlier ?? (await writeBatch(tx, plan));
    return { status: 201, body: presentBatch(batch, created) };
  });
  return { ...answer, isReplay };
}

/** What an answer says of a campaign beside its counts; an identical body has identical counts. */
type Created = NonNullable<Awaited<ReturnType<typeof findSameBody>>>;

function presentBatch(batch: ParsedBatch, created: Created): CreatedBatch {
  return {
    campaign_id: created.id,
    status: created.status,
    valid_count: batch.validCount,
    invalid_count: batch.invalidCount,
    invalid: [...batch.invalid],
    duplicate_count: batch.duplicateCount,
    suppressed_count: created.suppressedCount,
    timezone: shownZone(batch, created.timezone),
  };
}

function lockNumberOf({ keyId, batch }: BatchPlan): bigint {
  return createHash("sha256").update(keyId).update(batch.bodyHash).digest().readBigInt64BE(0);
}

/**
 * Checks everything of a batch that needs the database or a zone; writes nothing.
 * @throws AppError `agent_not_found`, or `campaign_creation_failed` with details.reason.
 * Source of the order: agent, number, schedule as in contract B.4; then what is ours.
 */
export async function planBatch(
  db: Queryable,
  batch: ParsedBatch,
  context: BatchContext,
): Promise<BatchPlan> {
  const { fields } = batch;
  const agent = await findAgent(db, context.keyId, fields.agent_id);
  if (agent === null) throw agentNotFound();
  if (!agent.isActive) {
    throw creationFailed("agent_inactive", "The agent is inactive: set its is_active to true.");
  }
  const schedule = planSchedule(batch, agent.timezone, context.createdAt);
  const fromNumber = fields.from_number ?? null;
  const choice = await chooseNumber(db, context.keyId, agent.id, fromNumber);
  if (choice.kind === "unusable") throw creationFailed("from_number", choice.message);
  if (choice.kind === "undecided") throw undecided(choice.numbers);
  const expiresAt = fields.expires_at ? expiryOf(fields.expires_at, context.createdAt) : null;
  return { ...context, batch, agentId: agent.id, number: choice.number, schedule, expiresAt };
}

// In the recipients' own zones the campaign is due with the first of their openings; it is they
// that gate a dial. The base zone decides what day it is.
function planSchedule(
  { fields, zoneGroups }: ParsedBatch,
  agentZone: string | null,
  now: Instant,
): CampaignSchedule {
  if (fields.timezone !== RECIPIENT_ZONES) return resolveSchedule(fields, agentZone, now);
  const schedule = resolveSchedule({ ...fields, timezone: null }, agentZone, now);
  const opensAt = Math.min(...zoneGroups.map((group) => group.opensAt));
  return { ...schedule, windowsOpenFrom: null, opensAt, closesAt: Number.POSITIVE_INFINITY };
}

/** Zone of the window as answers name it. */
export function shownZone({ fields }: ParsedBatch, timezone: string): string {
  return fields.timezone === RECIPIENT_ZONES ? RECIPIENT_ZONES : timezone;
}

function undecided(numbers: readonly PhoneNumberRow[]): AppError {
  if (numbers.length === 0) {
    return creationFailed(
      "from_number",
      "The agent has no number that may call. Import one for it.",
    );
  }
  const phones = numbers.map((number) => number.phone);
  // A hundred are enough to choose from.
  const shown = phones.slice(0, 100);
  const message = `The agent has ${phones.length} numbers: say which in from_number (${shown.join(", ")}).`;
  return creationFailed("from_number", message, { choices: shown });
}

function creationFailed(reason: string, message: string, more: object = {}): AppError {
  return new AppError("campaign_creation_failed", { message, details: { reason, ...more } });
}

async function writeBatch(tx: Queryable, plan: BatchPlan): Promise<Created> {
  const { batch, schedule, number } = plan;
  const status = schedule.type === "schedule" ? "scheduled" : "running";
  await insertCampaign(tx, {
    id: plan.campaignId,
    keyId: plan.keyId,
    agentId: plan.agentId,
    phoneNumberId: number.id,
    fromNumber: number.phone,
    name: batch.fields.name ?? null,
    prompt: batch.fields.prompt,
    status,
    scheduleType: schedule.type,
    scheduledDate: schedule.date,
    windowStartMinutes: schedule.window?.startMinutes ?? null,
    windowEndMinutes: schedule.window?.endMinutes ?? null,
    windowDays: schedule.window?.days ?? null,
    timezone: schedule.timezone,
    zoneDataVersion: zoneDataVersion(),
    windowsOpenFrom: schedule.windowsOpenFrom,
    opensAt: schedule.opensAt,
    closesAt: schedule.closesAt,
    bodyHash: batch.bodyHash,
    recipientsCount: batch.validCount,
    invalidCount: batch.invalidCount,
    duplicateCount: batch.duplicateCount,
    createdAt: plan.createdAt,
    startedAt: status === "running" ? plan.createdAt : null,
    expiresAt: plan.expiresAt,
    pacingShare: batch.fields.pacing_share ?? 1,
    zoneMode: batch.fields.timezone === RECIPIENT_ZONES ? "recipient" : "campaign",
    retryPolicy: batch.fields.retry ? retryPolicyOf(batch.fields.retry) : null,
  });
  await addGroups(tx, plan.campaignId, batch.zoneGroups, zoneDataVersion());
  const copied = await copyRecipients(tx, batch.chunks);
  if (copied !== batch.validCount + batch.invalidCount) {
    throw new Error(`copied ${copied} recipients of ${batch.validCount + batch.invalidCount}`);
  }
  const campaign = { id: plan.campaignId, keyId: plan.keyId };
  const suppressedCount = await settleSuppressedOfCampaign(tx, campaign, plan.createdAt);
  if (status === "running") {
    await enqueueCampaignDeliveries(tx, "campaign.started", [plan.campaignId], plan.createdAt);
  }
  return { id: plan.campaignId, status, timezone: schedule.timezone, suppressedCount };
}
