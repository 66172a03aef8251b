// From the gate to the carrier and back: each gated call is asked for once, and its answer
// recorded. Placed, refused and unknown are three different things; an unknown request is never
// repeated here.

import type { CarrierEvent } from "../domain/carrier-event.ts";
import { MAX_LATENESS_MS } from "../domain/claim-plan.ts";
import type { Instant } from "../domain/instant.ts";
import type { CarrierCredentials, PlaceOutcome, Refusal } from "../ports/carrier.ts";
import type { Queryable } from "../ports/database.ts";
import {
  backOffAccount,
  benchNumber,
  clearThrottles,
  countThrottles,
  pauseAccount,
  slowAccount,
} from "../store/account-pace.ts";
import { requeueCalls, settleCalls } from "../store/call-endings.ts";
import { countNotPermitted, pauseCampaignForFault } from "../store/campaign-engine.ts";
import { appendCallEvents, lockCalls, writeCalls, type EngineCall } from "../store/engine-calls.ts";
import {
  listCapped,
  markUnknown,
  recordRefusal,
  requestEnd,
  type GatedCall,
} from "../store/gate.ts";
import { applyEventsIn } from "./apply.ts";
import { dialOrderOf } from "./dial-order.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { UNKNOWN_LOOKS_MS } from "./look-up-times.ts";

/** A call that would wait longer than this in the carrier's own queue is taken back. */
const MAX_CARRIER_QUEUE_MS = 2_000;
/** A slowed account tries its full pace again after this long. */
export const PACE_RECOVERY_MS = 60_000;
const THROTTLE_BASE_MS = 1_000;
const THROTTLE_MAX_MS = 60_000;
/** The carrier's queue is full, or its concurrency: minutes, not seconds. */
const MAX_NOT_PERMITTED_IN_A_ROW = 10;
const CARRIER_FULL_BACKOFF_MS = 5 * 60_000;

/** Asks the carrier for one gated call and records the answer. Throws only as the database does. */
export async function placeCall(deps: EngineDependencies, call: GatedCall): Promise<void> {
  const credentials: CarrierCredentials = {
    carrierAccountId: call.carrierAccountId,
    authToken: deps.decryptToken(call.authTokenEncrypted),
  };
  const slot = { notBeforeAt: call.dialAt, notAfterAt: call.dialAt + MAX_LATENESS_MS };
  const outcome = await deps.carrier.place(credentials, dialOrderOf(call), slot);
  deps.meters.placed(outcome);
  deps.log.info(
    { callId: call.id, dialNumber: call.dialNumber, outcome: outcome.kind, ...reasonOf(outcome) },
    "call placing answered",
  );
  await recordOutcome(deps, call, outcome);
}

function reasonOf(outcome: PlaceOutcome): object {
  if (outcome.kind === "refused")
    return { refusal: outcome.refusal.class, carrierCode: outcome.refusal.carrierCode };
  return outcome.kind === "unknown" ? { reason: outcome.reason } : {};
}

async function recordOutcome(
  deps: EngineDependencies,
  call: GatedCall,
  outcome: PlaceOutcome,
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    switch (outcome.kind) {
      case "placed":
        return recordPlaced(tx, deps, call, outcome, now);
      case "unknown":
        await appendCallEvents(tx, [
          { callId: call.id, at: now, kind: "placing_unknown", facts: { ...outcome } },
        ]);
        return markUnknown(tx, call.id, {
          now,
          lookUpAt: call.dialAt + MAX_LATENESS_MS + firstLookMs(),
        });
      case "refused":
        return recordRefused(tx, deps, call, outcome.refusal, now);
    }
  });
}

async function recordPlaced(
  tx: Queryable,
  deps: EngineDependencies,
  call: GatedCall,
  outcome: Extract<PlaceOutcome, { kind: "placed" }>,
  now: Instant,
): Promise<void> {
  const event: CarrierEvent = {
    kind: "status",
    callId: call.id,
    dialNumber: call.dialNumber,
    carrierCallId: outcome.carrierCallId,
    at: now,
    source: "placing",
    status: "queued",
    durationSeconds: null,
    sipResponseCode: null,
  };
  await applyEventsIn(tx, deps, [event]);
  await clearThrottles(tx, call.accountId);
  if (outcome.queueTimeMs <= MAX_CARRIER_QUEUE_MS) return;
  // It waits in the carrier's queue, behind our gate, where a pause or a closing window cannot
  // reach it.
  await requestEnd(tx, call.id, { how: "cancel", andThen: "requeue", now });
  await slowAccount(tx, call.accountId, now + PACE_RECOVERY_MS);
}

async function recordRefused(
  tx: Queryable,
  deps: EngineDependencies,
  gated: GatedCall,
  refusal: Refusal,
  now: Instant,
): Promise<void> {
  const [call] = await lockCalls(tx, [gated.id]);
  // A callback may have settled or bound it meanwhile: then the carrier did take it.
  if (call === undefined || call.status !== "dialing" || call.carrierCallId !== null) return;
  if (call.dialNumber !== gated.dialNumber) return;
  await appendCallEvents(tx, [
    { callId: call.id, at: now, kind: "placing_refused", facts: { ...refusal } },
  ]);
  if (refusal.class !== "unsent") await recordRefusal(tx, call.id, refusal);
  await actOnAccount(tx, deps, gated, refusal, now);
  await actOnCall(tx, call, refusal, now);
}

/** What a refusal means for the account, the number or the campaign. Source: twilio.md §1.3. */
async function actOnAccount(
  tx: Queryable,
  deps: EngineDependencies,
  call: GatedCall,
  refusal: Refusal,
  now: Instant,
): Promise<void> {
  const said =
    refusal.carrierCode === null ? refusal.message : `${refusal.message} (${refusal.carrierCode})`;
  switch (refusal.class) {
    case "throttled": {
      const inARow = await countThrottles(tx, call.accountId);
      const ceiling = Math.min(THROTTLE_BASE_MS * 2 ** inARow, THROTTLE_MAX_MS);
      // Half of it fixed, half drawn: processes must not come back together, and not at once
      // either.
      return backOffAccount(
        tx,
        call.accountId,
        now + ceiling / 2 + (ceiling / 2) * deps.random.fraction(),
      );
    }
    case "carrier_full":
      return backOffAccount(tx, call.accountId, now + CARRIER_FULL_BACKOFF_MS);
    case "from_number":
      return benchNumber(tx, call.phoneNumberId, said, now);
    case "account":
      return pauseAccount(tx, call.accountId, said, now);
    case "trial_limit":
    case "configuration":
      if (call.campaignId === null) return;
      return pauseCampaignForFault(
        tx,
        call.campaignId,
        `paused: the carrier refused a call: ${said}`,
      );
    case "unsent":
    case "recipient_invalid":
    case "recipient_not_permitted":
      return;
  }
}

/** A whole list that may not be called is a setting at the carrier, not bad luck. */
async function pauseIfNobodyIsPermitted(tx: Queryable, call: EngineCall): Promise<void> {
  if (call.campaignId === null) return;
  const inARow = await countNotPermitted(tx, call.campaignId, MAX_NOT_PERMITTED_IN_A_ROW);
  if (inARow < MAX_NOT_PERMITTED_IN_A_ROW) return;
  const reason =
    `paused: the carrier did not permit the last ${inARow} recipients to be called; allow their ` +
    "country in the carrier's geographic permissions (or register the business), then resume";
  await pauseCampaignForFault(tx, call.campaignId, reason);
}

/**
 * What it means for the call and its recipient: only a fault of the recipient's own number ends it.
 */
async function actOnCall(
  tx: Queryable,
  call: EngineCall,
  refusal: Refusal,
  now: Instant,
): Promise<void> {
  const said = refusal.message;
  switch (refusal.class) {
    case "recipient_invalid":
      return endRefused(tx, call, { state: "invalid", reason: said }, now);
    case "recipient_not_permitted":
      await endRefused(tx, call, { state: "not_permitted", reason: said }, now);
      return pauseIfNobodyIsPermitted(tx, call);
    case "trial_limit":
    case "configuration":
      // Nobody resumes a single call, so it ends and says why.
      if (call.campaignId === null)
        return endRefused(tx, call, { state: "failed", reason: said }, now);
      return requeue(tx, call, now);
    case "unsent":
    case "throttled":
    case "carrier_full":
    case "from_number":
    case "account":
      return requeue(tx, call, now);
  }
}

function requeue(tx: Queryable, call: EngineCall, now: Instant): Promise<void> {
  return requeueCalls(
    tx,
    [{ callId: call.id, recipientId: call.recipientId, dueAt: now, closesDial: false }],
    now,
  );
}

async function endRefused(
  tx: Queryable,
  call: EngineCall,
  end: {
    readonly state: "invalid" | "not_permitted" | "failed";
    readonly reason: string;
  },
  now: Instant,
): Promise<void> {
  await writeCalls(tx, [
    {
      id: call.id,
      facts: { ...call, status: "failed" },
      open: false,
      lookUpAt: null,
      end: null,
      endedAt: now,
      endedReason: "failed",
    },
  ]);
  await settleCalls(tx, [{ call, state: end.state, reason: end.reason }], now);
}

/** Calls that the gate held back: back into the queue, or ended when their phone is suppressed. */
export async function releaseHeldBack(
  deps: EngineDependencies,
  callIds: readonly string[],
): Promise<void> {
  if (callIds.length === 0) return;
  await deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    const calls = (await lockCalls(tx, callIds)).filter((call) => call.status === "reserved");
    const capped = await listCapped(
      tx,
      calls.map((call) => call.id),
      now,
    );
    await requeueCalls(
      tx,
      calls.map((call) => ({
        callId: call.id,
        recipientId: call.recipientId,
        dueAt: capped.get(call.id) ?? now,
        dueReason: capped.has(call.id) ? ("cap" as const) : null,
        closesDial: false,
      })),
      now,
    );
  });
}

function firstLookMs(): number {
  const [first] = UNKNOWN_LOOKS_MS;
  if (first === undefined) throw new Error("there is no first look");
  return first;
}
