// Merging what the carrier reported. Takes arrays; idempotent and order-independent
// (src/domain/call-life.ts decides); everything that follows from an event is in the one
// transaction that records it.

import type { CarrierEvent } from "../domain/carrier-event.ts";
import {
  decideCallEvent,
  isEnded,
  type CallChange,
  type CallEnding,
  type CallFacts,
} from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import { decideRetry } from "../domain/retry-policy.ts";
import type { Queryable } from "../ports/database.ts";
import { countSilentModels, proveAccounts } from "../store/account-pace.ts";
import { reopenCalls, requeueCalls, settleCalls } from "../store/call-endings.ts";
import { enqueueCallDeliveries } from "../store/deliveries.ts";
import {
  appendCallEvents,
  lockCalls,
  writeCalls,
  type CallWrite,
  type EngineCall,
} from "../store/engine-calls.ts";
import { listRetryCandidates } from "../store/retries.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { ENDING_SILENCE_MS, silenceEndsAt } from "./look-up-times.ts";

/** Connected calls in a row without a word from the model before the account is paused. */
const MAX_SILENT_MODELS = 3;

/** A call at the carrier that is not ours any more and must be ended there. */
export interface StrayCall {
  readonly accountId: string;
  readonly callId: string;
  readonly carrierCallId: string;
}

interface Merge {
  readonly call: EngineCall;
  facts: CallFacts;
  ending: CallEnding | null;
  hangUp: boolean;
  changed: boolean;
  detail: Pick<CallWrite, "sipResponseCode" | "durationSeconds" | "carrierVerdict">;
}

/**
 * Applies events in one transaction and answers the stray calls they revealed. Unknown call ids are
 * ignored.
 * @throws as the database does; nothing is kept then
 */
export async function applyEvents(
  deps: EngineDependencies,
  events: readonly CarrierEvent[],
): Promise<readonly StrayCall[]> {
  if (events.length === 0) return [];
  const strays = await deps.database.transaction((tx) => applyEventsIn(tx, deps, events));
  const now = deps.clock.now();
  for (const { source, at } of events) if (source === "callback") deps.meters.reported(now - at);
  return strays;
}

/** The same inside a transaction that is already open. */
export async function applyEventsIn(
  tx: Queryable,
  deps: EngineDependencies,
  events: readonly CarrierEvent[],
): Promise<readonly StrayCall[]> {
  const now = deps.clock.now();
  const calls = await lockCalls(tx, [...new Set(events.map((event) => event.callId))]);
  const merges = new Map(calls.map((call) => [call.id, newMerge(call)]));
  const strays: StrayCall[] = [];
  for (const event of events) {
    const merge = merges.get(event.callId);
    if (merge === undefined) continue;
    const change = decideCallEvent(merge.facts, event);
    if (change.kind === "changed") take(merge, change);
    if (change.kind === "stray") {
      strays.push({
        accountId: merge.call.accountId,
        callId: event.callId,
        carrierCallId: change.carrierCallId,
      });
    }
  }
  await writeMerges(
    tx,
    [...merges.values()].filter((merge) => merge.changed),
    now,
  );
  await appendCallEvents(
    tx,
    events.map((event) => recordOf(event, now)),
  );
  const proven = events.filter((event) => event.source === "callback").map((event) => event.callId);
  const accounts = new Set(proven.flatMap((id) => merges.get(id)?.call.accountId ?? []));
  if (accounts.size > 0) await proveAccounts(tx, [...accounts], now);
  return strays;
}

function newMerge(call: EngineCall): Merge {
  return { call, facts: call, ending: null, hangUp: false, changed: false, detail: {} };
}

function take(merge: Merge, change: Extract<CallChange, { kind: "changed" }>): void {
  merge.facts = change.facts;
  merge.ending = change.ending ?? merge.ending;
  merge.hangUp ||= change.hangUp;
  merge.changed = true;
  merge.detail = {
    ...merge.detail,
    ...(change.sipResponseCode === undefined ? {} : { sipResponseCode: change.sipResponseCode }),
    ...(change.durationSeconds === undefined ? {} : { durationSeconds: change.durationSeconds }),
    ...(change.carrierVerdict === undefined ? {} : { carrierVerdict: change.carrierVerdict }),
  };
}

async function writeMerges(tx: Queryable, merges: readonly Merge[], now: Instant): Promise<void> {
  if (merges.length === 0) return;
  // The carrier holds calls that we had let go of: they take slots again, beyond the limit if need
  // be.
  const letGo = merges.filter(
    (merge) => !merge.call.open && !isEnded(merge.facts.status) && wasLetGo(merge),
  );
  const reopened =
    letGo.length === 0
      ? new Set<string>()
      : await reopenCalls(
          tx,
          letGo.map((m) => m.call.id),
        );
  await writeCalls(
    tx,
    merges.map((merge) => writeOf(merge, merge.call.open || reopened.has(merge.call.id), now)),
  );
  const answered = merges.filter(
    ({ call, facts }) => call.answeredAt === null && facts.answeredAt !== null,
  );
  await enqueueCallDeliveries(
    tx,
    "call.started",
    answered.map((merge) => merge.call.id),
    now,
  );
  await writeEndings(tx, merges, now);
}

/** Queued or uncertain for us, but alive at the carrier. */
function wasLetGo(merge: Merge): boolean {
  return merge.call.status === "queued" || merge.call.status === "uncertain";
}

function writeOf(merge: Merge, isOpen: boolean, now: Instant): CallWrite {
  const { call, facts } = merge;
  const ended = isEnded(facts.status);
  const base = { id: call.id, facts, ...merge.detail };
  if (ended) {
    const endedReason = merge.ending?.kind === "settle" ? merge.ending.endedReason : null;
    return { ...base, open: false, lookUpAt: null, end: null, endedAt: now, endedReason };
  }
  const how = merge.hangUp ? "hang_up" : call.endRequested;
  const isNewlyBound = call.carrierCallId === null && facts.carrierCallId !== null;
  const mustEnd = how !== null && (merge.hangUp || isNewlyBound);
  const lookUpAt =
    facts.busyAt !== null
      ? now
      : how !== null
        ? now + ENDING_SILENCE_MS
        : silenceEndsAt(facts.status, now);
  return {
    ...base,
    open: isOpen,
    lookUpAt,
    end: mustEnd ? { how, dueAt: now } : null,
    endedAt: null,
    endedReason: null,
  };
}

async function writeEndings(tx: Queryable, merges: readonly Merge[], now: Instant): Promise<void> {
  const endings = merges.flatMap((merge) =>
    merge.ending === null ? [] : [{ call: merge.call, ending: merge.ending }],
  );
  if (endings.length === 0) return;
  const settled = endings.flatMap(({ call, ending }) =>
    ending.kind === "settle" ? [{ call, ending }] : [],
  );
  const requeued = endings.filter(({ ending }) => ending.kind === "requeue");
  const retries = await planRetries(tx, settled, now);
  await settleCalls(
    tx,
    settled.map(({ call, ending }) => ({
      call,
      state: ending.state,
      reason: ending.reason,
      overrules: call.status === "uncertain",
      retryAt: retries.get(call.recipientId) ?? null,
    })),
    now,
  );
  await countSilentModels(
    tx,
    settled.map(({ call }) => call.id),
    {
      limit: MAX_SILENT_MODELS,
      reason: `${MAX_SILENT_MODELS} people in a row were connected and the language model said nothing; check the model`,
      now,
    },
  );
  await requeueCalls(
    tx,
    requeued.map(({ call }) => ({
      callId: call.id,
      recipientId: call.recipientId,
      dueAt: now,
      closesDial: true,
    })),
    now,
  );
}

/** When recipients are called again, by their campaigns' policies; the others are left out. */
async function planRetries(
  tx: Queryable,
  settled: readonly {
    readonly call: EngineCall;
    readonly ending: Extract<CallEnding, { kind: "settle" }>;
  }[],
  now: Instant,
): Promise<ReadonlyMap<number, Instant>> {
  const inCampaigns = settled.filter(({ call }) => call.campaignId !== null);
  if (inCampaigns.length === 0) return new Map();
  const reasons = new Map(
    inCampaigns.map(({ call, ending }) => [call.recipientId, ending.endedReason]),
  );
  const candidates = await listRetryCandidates(tx, [...reasons.keys()], now);
  const retries = new Map<number, Instant>();
  for (const { recipientId, policy, ...facts } of candidates) {
    const endedReason = reasons.get(recipientId);
    if (endedReason === undefined) continue;
    const retryAt = decideRetry(policy, { ...facts, endedReason, endedAt: now });
    if (retryAt !== null) retries.set(recipientId, retryAt);
  }
  return retries;
}

function recordOf(event: CarrierEvent, now: Instant) {
  const { callId, kind, at, ...facts } = event;
  return { callId, at: now, kind, facts: { ...facts, carrier_at: new Date(at).toISOString() } };
}
