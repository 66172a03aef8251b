// A person decides about a call that is uncertain. One transaction, idempotent, safe to say twice
// at once: the call's row is locked while the domain decides. Nothing here dials.

import type { ErrorCode } from "../domain/app-error.ts";
import {
  decideHandSettlement,
  type HandOutcome,
  type HandSettlement,
} from "../domain/hand-settlement.ts";
import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database, Queryable } from "../ports/database.ts";
import { requeueCalls } from "../store/call-endings.ts";
import { lockCampaign } from "../store/campaign-verbs.ts";
import { appendCallEvents, lockCalls, type EngineCall } from "../store/engine-calls.ts";
import {
  findCampaignOfCall,
  findHandSettlement,
  findOwnerOfCarrierCall,
  readRecipientState,
  reopenUncertain,
  SETTLED_BY_HAND,
  settleUncertain,
} from "../store/hand-settlements.ts";

export interface HandRequest {
  readonly outcome: HandOutcome;
  readonly carrierCallId: string | null;
  readonly note: string | null;
}

export type HandResult =
  /** Decided now, or before in the same words. */
  | { readonly kind: "done"; readonly settlement: HandSettlement }
  | { readonly kind: "not_found" }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string };

/**
 * Settles the recipient of an uncertain call as a person says, once. `not_called` queues the call
 * again under its own id; a phone that was suppressed meanwhile ends suppressed instead.
 */
export function settleByHand(
  ports: { readonly database: Database; readonly clock: Clock },
  keyId: string,
  callId: string,
  request: HandRequest,
): Promise<HandResult> {
  return ports.database.transaction(async (tx) => {
    const campaignId = await findCampaignOfCall(tx, keyId, callId);
    if (campaignId === undefined) return { kind: "not_found" };
    // First the campaign, then the call: the order in which the verbs lock.
    const campaign = campaignId === null ? null : await lockCampaign(tx, keyId, campaignId);
    const [call] = await lockCalls(tx, [callId]);
    if (call === undefined) return { kind: "not_found" };
    const now = ports.clock.now();
    const earlier = await findHandSettlement(tx, callId);
    const decision = decideHandSettlement(request.outcome, {
      callStatus: call.status,
      recipientState: await readRecipientState(tx, call.recipientId),
      campaign,
      earlier,
      now,
    });
    if (decision.kind === "refused") return decision;
    if (decision.kind === "unchanged" && earlier !== null)
      return { kind: "done", settlement: earlier };
    const taken = await ownerOf(tx, call, request.carrierCallId);
    if (taken !== null) return taken;
    const settlement: HandSettlement = { ...request, keyId, at: now };
    await writeDown(tx, call, settlement);
    await carryOut(tx, call, settlement.outcome, now);
    return { kind: "done", settlement };
  });
}

async function ownerOf(
  tx: Queryable,
  call: EngineCall,
  carrierCallId: string | null,
): Promise<HandResult | null> {
  if (carrierCallId === null) return null;
  const owner = await findOwnerOfCarrierCall(tx, call.accountId, carrierCallId);
  if (owner === null || owner === call.id) return null;
  const message = `The carrier's call ${carrierCallId} belongs to another call.`;
  return { kind: "refused", code: "carrier_call_taken", message };
}

function writeDown(tx: Queryable, call: EngineCall, settlement: HandSettlement): Promise<void> {
  const facts = {
    outcome: settlement.outcome,
    key_id: settlement.keyId,
    carrier_call_id: settlement.carrierCallId,
    note: settlement.note,
    dial_number: call.dialNumber,
  };
  return appendCallEvents(tx, [
    { callId: call.id, at: settlement.at, kind: SETTLED_BY_HAND, facts },
  ]);
}

async function carryOut(
  tx: Queryable,
  call: EngineCall,
  outcome: HandOutcome,
  now: Instant,
): Promise<void> {
  if (outcome !== "not_called") {
    const reason = `a person said: ${outcome}`;
    return settleUncertain(tx, call.recipientId, { state: outcome, reason, now });
  }
  await reopenUncertain(tx, call.recipientId, call.campaignId);
  // Should the call show itself after all, its callbacks still name this dial and are taken up.
  await requeueCalls(
    tx,
    [{ callId: call.id, recipientId: call.recipientId, dueAt: now, closesDial: false }],
    now,
  );
}
