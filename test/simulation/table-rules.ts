// The rules about the tables, between transactions and when a world has become quiet.

import type { Call } from "../../src/simulator/carrier-model/call.ts";
import { isOverConcurrency, wasTakenBack } from "./dial-rules.ts";
import { hasRung } from "./retry-rules.ts";
import type { Evidence, Tables } from "./evidence.ts";

const ENDED_CALLS = new Set(["completed", "busy", "no_answer", "failed", "canceled"]);
/** A process that crashed or stopped at the last moment is back by then. */
const BACK_AFTER_MS = 90_000;
const UNSETTLED = new Set(["waiting", "calling"]);

export function finalStatesStay(
  tables: Tables,
  before: Tables | null,
  evidence: Evidence,
): string | null {
  if (before === null) return null;
  // Above a person's word stand the carrier's facts.
  const byHand = new Set(evidence.handWords.map((it) => it.recipientId));
  const recipients = new Map(tables.recipients.map((row) => [row.id, row.state]));
  for (const { id, state } of before.recipients) {
    const now = recipients.get(id);
    if (UNSETTLED.has(state) || state === "uncertain" || now === state) continue;
    if (byHand.has(id)) continue;
    return `recipient ${id} was ${state} and is ${now}`;
  }
  const calls = new Map(tables.calls.map((row) => [row.id, row.status]));
  for (const { id, status } of before.calls) {
    if (ENDED_CALLS.has(status) && calls.get(id) !== status) {
      return `call ${id} was ${status} and is ${calls.get(id)}`;
    }
  }
  return null;
}

const RANKS = ["queued", "reserved", "dialing", "ringing", "in_progress"];
const RUNG = new Set(["ringing", "in_progress"]);

export function statusMovesForward(tables: Tables, before: Tables | null): string | null {
  const earlier = new Map(before?.calls.map((row) => [row.id, row]));
  for (const call of tables.calls) {
    const was = earlier.get(call.id);
    if (was?.open === true && RUNG.has(was.status) && call.status === "queued") {
      return `call ${call.id} was ${was.status} and is dialed again`;
    }
    if (was?.open !== true || !call.open || was.dialNumber !== call.dialNumber) continue;
    // Without a carrier's word about it, it may have been taken back and reserved again.
    if (was.carrierCallId === null || was.carrierCallId !== call.carrierCallId) continue;
    if (RANKS.indexOf(call.status) < RANKS.indexOf(was.status)) {
      return `call ${call.id} was ${was.status} and is ${call.status}`;
    }
  }
  return null;
}

export function everyRecipientGoesOn(tables: Tables): string | null {
  for (const row of tables.recipients) {
    if (row.settled === UNSETTLED.has(row.state)) {
      return `recipient ${row.id} is ${row.state}, settled ${row.settled}`;
    }
    if (row.openCalls !== (row.state === "calling" ? 1 : 0)) {
      return `recipient ${row.id} is ${row.state} with ${row.openCalls} open calls`;
    }
    if (row.state !== "waiting") continue;
    if (row.claimable === row.waitsForPhone) {
      return `recipient ${row.id} waits, claimable ${row.claimable}, for its phone ${row.waitsForPhone}`;
    }
    const isPhoneBusy = tables.calls.some(
      (call) => call.open && call.keyId === row.keyId && call.phone === row.phone,
    );
    if (row.waitsForPhone && !isPhoneBusy) return `recipient ${row.id} stands back for nobody`;
  }
  return null;
}

export function slotsAreOpenCalls(tables: Tables): string | null {
  for (const call of tables.calls) {
    if (call.slots !== (call.open ? 1 : 0)) {
      return `call ${call.id} is ${call.status}, open ${call.open}, and holds ${call.slots} slots`;
    }
    if (call.open && (ENDED_CALLS.has(call.status) || call.status === "queued")) {
      return `call ${call.id} is ${call.status} and open`;
    }
  }
  return null;
}

export function countersEqualRows(tables: Tables): string | null {
  for (const campaign of tables.campaigns) {
    if (campaign.recipientsCount !== campaign.rows) {
      return `${campaign.id} counts ${campaign.recipientsCount} of ${campaign.rows} recipients`;
    }
  }
  for (const key of tables.keys) {
    const open = tables.calls.filter((call) => call.open && call.keyId === key.id).length;
    if (key.heldSlots !== open) return `${key.id} holds ${key.heldSlots} slots for ${open} calls`;
    if (key.slots !== key.limit) return `${key.id} has ${key.slots} slots, limit ${key.limit}`;
  }
  return null;
}

/** Between two looks, when nothing goes wrong any more and every process has long been back. */
export function campaignsEnd(
  tables: Tables,
  before: Tables | null,
  evidence: Evidence,
): string | null {
  if (evidence.now() < evidence.plan.calmFrom + BACK_AFTER_MS) return null;
  const isDone = (at: Tables, id: string): boolean =>
    at.campaigns.some((it) => it.id === id && it.status === "running") &&
    at.recipients.every((it) => it.campaignId !== id || it.settled);
  const late = before?.campaigns.find(({ id }) => isDone(before, id) && isDone(tables, id));
  return late === undefined ? null : `${late.id} is running and everybody is settled`;
}

export function everythingFinished(tables: Tables): string | null {
  const left = tables.recipients.filter((row) => !row.settled);
  if (left.length > 0) {
    const first = left[0]!;
    return `${left.length} recipients are left; ${first.id} is ${first.state}`;
  }
  const running = tables.campaigns.find((row) =>
    ["scheduled", "running", "paused"].includes(row.status),
  );
  if (running !== undefined) return `${running.id} is ${running.status}`;
  const open = tables.calls.find((call) => call.open);
  return open === undefined ? null : `call ${open.id} is ${open.status} and open`;
}

export function carrierCallsBelong(
  tables: Tables,
  _before: Tables | null,
  evidence: Evidence,
): string | null {
  const calls = new Map(tables.calls.map((call) => [call.id, call]));
  const owners = new Map<string, string>();
  for (const call of tables.calls) {
    if (call.carrierCallId === null) continue;
    const other = owners.get(call.carrierCallId);
    if (other !== undefined) return `${call.carrierCallId} belongs to ${other} and ${call.id}`;
    owners.set(call.carrierCallId, call.id);
  }
  for (const { call, order } of evidence.desk.written) {
    if (call === null) continue;
    const owner = calls.get(order.callId);
    if (owner === undefined) return `${call.sid} was dialed for ${order.callId}, which is nobody`;
    const isBound = owner.carrierCallId === call.sid;
    const isEarlierDial = owner.dialNumber > order.dialNumber || owner.status === "queued";
    if (isBound || isEarlierDial || owner.status === "uncertain" || isOverConcurrency(call))
      continue;
    if (call.status === "canceled" || isForeign(evidence, owner.carrierCallId)) continue;
    return `${call.sid} (${call.status}) is dial ${order.dialNumber} of ${owner.id}, which is bound to ${owner.carrierCallId}`;
  }
  return null;
}

/** One of others, taken for ours from the list: the risk that docs/failure-modes.md names. */
function isForeign({ desk }: Evidence, carrierCallId: string | null): boolean {
  return desk.books.findCall(carrierCallId ?? "")?.request === null;
}

export function outcomesAreReal(
  tables: Tables,
  _before: Tables | null,
  evidence: Evidence,
): string | null {
  const last = lastCalls(evidence);
  const foreign = new Set(
    tables.calls
      .filter((it) => evidence.desk.books.findCall(it.carrierCallId ?? "")?.request === null)
      .map((it) => it.recipientId),
  );
  const isCanceled = (id: string): boolean =>
    tables.campaigns.some((it) => it.id === id && ["canceled", "failed"].includes(it.status));
  for (const row of tables.recipients) {
    if (foreign.has(row.id)) continue;
    if (evidence.handWords.some((it) => it.recipientId === row.id)) continue;
    const settings = evidence.settings.get(row.campaignId ?? "") ?? [];
    const mayBeRetried =
      settings.some((it) => it.retryPolicy !== null) ||
      evidence.wishes.some((it) => it.recipientId === row.id);
    const what = unrealState(row.state, last.get(row.id) ?? null, mayBeRetried);
    if (what !== null) return `recipient ${row.id} is ${row.state}, ${what}`;
    if (row.state === "canceled" && row.campaignId !== null && !isCanceled(row.campaignId)) {
      return `recipient ${row.id} is canceled, its campaign is not`;
    }
  }
  return null;
}

/** By recipient, its last call that disturbed somebody; one that rang in vain if no other did. */
function lastCalls(evidence: Evidence): ReadonlyMap<number, Call> {
  const last = new Map<number, Call>();
  for (const [{ call }, { recipientId }] of evidence.dials) {
    if (call === null) continue;
    if (!wasTakenBack(call) || (hasRung(call) && !last.has(recipientId))) {
      last.set(recipientId, call);
    }
  }
  return last;
}

/** What contradicts a recipient's state; null: nothing. `last`: its last call not undone. */
function unrealState(state: string, last: Call | null, mayBeRetried: boolean): string | null {
  const wasAnswered = last !== null && last.answeredAt !== null;
  const isReached = state === "reached" || state === "voicemail";
  if (isReached && !wasAnswered) return "nobody answered";
  if (state === "not_reached" && last === null) return "and nobody was disturbed";
  const mayHaveAnswered = isReached || state === "uncertain" || state === "canceled";
  return wasAnswered && !mayHaveAnswered && !mayBeRetried ? "but answered" : null;
}
