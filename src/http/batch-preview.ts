// What a batch would amount to: counts, openings, projected start and end, warnings. It goes
// through the checks of a create and writes nothing.

import { eachOpening, type Opening } from "../domain/calling-window.ts";
import { projectCampaign } from "../domain/campaign-projection.ts";
import { VOICE_ALIVE_MS } from "../domain/claim-plan.ts";
import type { Instant } from "../domain/instant.ts";
import { mergeOpenings } from "../domain/merged-openings.ts";
import { eachCommonOpening } from "../domain/opening-in-all-zones.ts";
import { formatLocalTime, RECIPIENT_ZONES } from "../domain/time-zone.ts";
import type { Queryable } from "../ports/database.ts";
import {
  countSuppressed,
  readCallHistory,
  readDialingLimits,
  type DialingLimits,
} from "../store/preview-facts.ts";
import { planBatch, shownZone, type BatchContext, type BatchPlan } from "./batch-create.ts";
import type { ParsedBatch } from "./batch-parsing.ts";
import type { AssumptionSource, BatchPreview, PreviewQuery } from "./contract/preview.ts";
import { isoTime, isoTimeOrNull } from "./iso-time.ts";
import { previewWarnings } from "./preview-warnings.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

const HISTORY_MS = 30 * 86_400_000;
/** Fewer calls say nothing about the next ones. */
const MIN_HISTORY_CALLS = 50;
/** The newest calls say most, and a key may have millions. */
const MAX_HISTORY_CALLS = 1_000;
/** Cold lists of consumers: a third answers, and an answered call is short. */
const DEFAULTS = { talkSeconds: 60, answerRate: 0.35 } as const;

/**
 * @param context `createdAt` is the moment from which everything is planned.
 * @throws AppError as a create does, except for invalid phones and a missing model.
 */
export async function previewBatch(
  ports: Pick<HttpDependencies, "database" | "clock" | "model">,
  batch: ParsedBatch,
  context: BatchContext,
  query: PreviewQuery,
): Promise<BatchPreview> {
  const { database, clock } = ports;
  const { keyId, createdAt: from } = context;
  const plan = await planBatch(database, batch, context);
  const { timezone: zone } = plan.schedule;
  const now = clock.now();
  const { accountId } = plan.number;
  const limits = await readDialingLimits(database, { keyId, accountId }, now - VOICE_ALIVE_MS);
  const suppressedCount = await countSuppressed(database, keyId, linesOf(batch.chunks));
  const { assumptions, shown } = await assume(database, keyId, now, query);
  const projection = projectCampaign({
    from,
    openings: openingsOf(plan),
    recipientCount: batch.validCount - suppressedCount,
    ...limitsOf(limits),
    assumptions,
    expiresAt: plan.expiresAt ?? Number.POSITIVE_INFINITY,
  });
  const openings = [...openingsOf(plan).take(query.openings)];
  const model = ports.model.configuration();
  return {
    valid_count: batch.validCount,
    invalid_count: batch.invalidCount,
    duplicate_count: batch.duplicateCount,
    suppressed_count: suppressedCount,
    invalid: [...batch.invalid],
    timezone: shownZone(batch, zone),
    openings: openings.map((opening) => presentOpening(opening, zone)),
    starts_at: isoTimeOrNull(projection.startsAt),
    finishes_at: isoTimeOrNull(projection.finishesAt),
    warnings: previewWarnings({
      batch,
      zone,
      expiresAt: plan.expiresAt,
      suppressedCount,
      limits,
      model,
      openings,
      projection,
    }),
    assumptions: shown,
  };
}

/**
 * When somebody of the list may be dialed: what is shown and what is projected. In the recipients'
 * own zones these are the openings of all their groups together.
 */
function openingsOf({ schedule, batch, createdAt }: BatchPlan): Generator<Opening, void> {
  const { window, timezone, windowsOpenFrom, date } = schedule;
  if (batch.fields.timezone !== RECIPIENT_ZONES) {
    return eachOpening(window, timezone, createdAt, windowsOpenFrom);
  }
  const groups = batch.zoneGroups.map(({ zones }) =>
    eachCommonOpening(window, zones, createdAt, date),
  );
  return mergeOpenings(groups);
}

function limitsOf(limits: DialingLimits) {
  const { callsPerSecond, keyConcurrency, accountConcurrency, voiceSessions } = limits;
  // Without a living voice process nobody is called, but that passes and says nothing of the list.
  const others = [accountConcurrency, voiceSessions].filter((limit) => limit !== null);
  return {
    callsPerSecond,
    maxOpenCalls: Math.min(keyConcurrency, ...others),
    maxCallsPerDay: limits.maxCallsPerDay ?? Number.POSITIVE_INFINITY,
  };
}

function linesOf(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString();
}

/** Talk time and answer rate: what was given, else what the key's calls show, else a guess. */
async function assume(db: Queryable, keyId: string, now: Instant, query: PreviewQuery) {
  const since = now - HISTORY_MS;
  const history = await readCallHistory(db, keyId, { since, limit: MAX_HISTORY_CALLS });
  const isEnough = history.endedCalls >= MIN_HISTORY_CALLS;
  const pastTalk = isEnough ? history.averageTalkSeconds : null;
  const pastRate = isEnough ? history.answeredCalls / history.endedCalls : null;
  const talk = firstKnown(query.talk_seconds ?? null, pastTalk, DEFAULTS.talkSeconds);
  const rate = firstKnown(query.answer_rate ?? null, pastRate, DEFAULTS.answerRate);
  return {
    assumptions: { talkSeconds: talk.value, answerRate: rate.value },
    shown: {
      talk_seconds: talk.value,
      talk_seconds_from: talk.source,
      answer_rate: rate.value,
      answer_rate_from: rate.source,
    },
  };
}

function firstKnown(
  given: number | null,
  past: number | null,
  guess: number,
): { readonly value: number; readonly source: AssumptionSource } {
  if (given !== null) return { value: given, source: "request" };
  if (past !== null) return { value: past, source: "history" };
  return { value: guess, source: "default" };
}

function presentOpening({ opensAt, closesAt }: Opening, zone: string) {
  const closes = Number.isFinite(closesAt) ? closesAt : null;
  return {
    opens_at: isoTime(opensAt),
    closes_at: isoTimeOrNull(closes),
    local_opens_at: formatLocalTime(opensAt, zone),
    local_closes_at: closes === null ? null : formatLocalTime(closes, zone),
  };
}
