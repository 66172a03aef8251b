// Every rule that a world must keep, one small function each: it answers what is wrong, or null.
// Rules about dialing look at the moment in which a create is written or taken by the carrier;
// rules about tables at any moment between transactions; rules about the end at a world that has
// become quiet. A new promise of the product gets a rule here and a mutant that breaks it.

import { isInsideWindow } from "../../src/domain/calling-window.ts";
import { localDateOf, startOfLocalDay } from "../../src/domain/time-zone.ts";
import type { Call } from "../../src/simulator/carrier-model/call.ts";
import { openCallsAtCarrier, type Dial, type Evidence, type Tables } from "./evidence.ts";

export interface DialRule {
  readonly name: string;
  readonly check: (evidence: Evidence, dial: Dial) => string | null;
}

export interface TableRule {
  readonly name: string;
  /** `before`: the tables at the check before this one. */
  readonly check: (tables: Tables, before: Tables | null, evidence: Evidence) => string | null;
}

/**
 * A pause, cancel, suppression or stop holds from this long after its commit: the gate's lead and a
 * request's lateness (docs/failure-modes.md). A second is what was asked for.
 */
const HOLDS_AFTER_MS = 300;
/** Requests that stayed without an answer, and whose calls nobody found: then a person decides. */
const MAX_UNKNOWN_DIALS = 2;
/** A reservation made under an earlier limit is dialed within this. */
const LIMIT_HOLDS_AFTER_MS = 2_500;

/** At the moment in which the bytes of a create go out. */
export const WRITE_RULES: readonly DialRule[] = [
  { name: "never outside the campaign's window", check: insideWindow },
  { name: "never a paused or canceled campaign", check: campaignRuns },
  { name: "never a suppressed phone", check: notSuppressed },
  { name: "never while the operator has stopped dialing", check: notStopped },
  { name: "never above the account's calls per second", check: withinPace },
  { name: "never a recipient that was called before", check: notCalledBefore },
  { name: "never a third dial after two unknown ones", check: notTwiceUnknown },
  { name: "never above the key's calls per day", check: withinDay },
];

/** At the moment in which the carrier takes a call. */
export const TAKEN_RULES: readonly DialRule[] = [
  { name: "never two open calls to one phone of a key", check: oneCallPerPhone },
  { name: "never above the key's limit", check: withinKeyLimit },
  { name: "never above the account's concurrency", check: withinConcurrency },
  { name: "one call at a time until the first callback", check: provenBeforeMore },
];

/** Between transactions. */
export const TABLE_RULES: readonly TableRule[] = [
  { name: "final states never change", check: finalStatesStay },
  { name: "an open call never goes back", check: statusMovesForward },
  { name: "every recipient has ended or has what comes next", check: everyRecipientGoesOn },
  { name: "slots are the open calls", check: slotsAreOpenCalls },
  { name: "counters equal rows", check: countersEqualRows },
];

/** When a world has become quiet. */
export const END_RULES: readonly TableRule[] = [
  { name: "everybody is settled and every campaign is over", check: everythingFinished },
  { name: "every carrier call belongs to exactly one call", check: carrierCallsBelong },
  { name: "an outcome is what the carrier's books say", check: outcomesAreReal },
];

// --- dialing

function insideWindow(evidence: Evidence, { create, campaignId }: Dial): string | null {
  const campaign = campaignId === null ? undefined : evidence.campaigns.get(campaignId);
  if (campaign === undefined) return null;
  const { scheduledDate, zone, window } = campaign;
  const moments = evidence.moments.get(campaign.id) ?? [];
  const launchedAt = moments.findLast((it) => it.launchedAt !== null)?.launchedAt ?? null;
  const overridden = moments.some(
    (it) =>
      it.launchedAt !== null &&
      it.overriddenUntil !== null &&
      // Only until the next local midnight, whatever the row says.
      create.at <
        Math.min(it.overriddenUntil, midnightAfter(it.launchedAt, zone)) + evidence.skewMs,
  );
  if (overridden) return null;
  // With clocks apart, a dial is right by one of them.
  const instants = [create.at, create.at - evidence.skewMs, create.at + evidence.skewMs];
  if (scheduledDate !== null && launchedAt === null) {
    const from = startOfLocalDay(scheduledDate, zone);
    if (instants.every((at) => at < from)) return `before its day ${scheduledDate} in ${zone}`;
  }
  if (window === null || instants.some((at) => isInsideWindow(window, zone, at))) return null;
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(create.at)).toZonedDateTimeISO(
    zone,
  );
  return `at ${local.toString()}, window ${JSON.stringify(window)}`;
}

function midnightAfter(at: number, zone: string): number {
  const tomorrow = Temporal.PlainDate.from(localDateOf(at, zone)).add({ days: 1 }).toString();
  return startOfLocalDay(tomorrow, zone);
}

function campaignRuns(evidence: Evidence, { create, campaignId }: Dial): string | null {
  const moment = evidence.moments.get(campaignId ?? "")?.at(-1);
  if (moment === undefined) return null;
  const isHeld = moment.status === "paused" || moment.status === "canceled";
  const heldMs = create.at - moment.at;
  if (!isHeld || heldMs <= HOLDS_AFTER_MS + evidence.skewMs) return null;
  return `${Math.round(heldMs)} ms after it was ${moment.status}`;
}

function notSuppressed(evidence: Evidence, { create, keyId }: Dial): string | null {
  const found = evidence.suppressions.find(
    (it) => it.keyId === keyId && it.phone === create.order.to,
  );
  if (found === undefined || create.at - found.at <= HOLDS_AFTER_MS + evidence.skewMs) return null;
  return `${Math.round(create.at - found.at)} ms after ${found.phone} was suppressed`;
}

function notStopped(evidence: Evidence, { create }: Dial): string | null {
  const stop = evidence.stops.at(-1);
  if (stop?.isStopped !== true) return null;
  const stoppedMs = create.at - stop.at;
  return stoppedMs > HOLDS_AFTER_MS + evidence.skewMs ? `${Math.round(stoppedMs)} ms after` : null;
}

function withinPace(evidence: Evidence, { create }: Dial): string | null {
  const account = evidence.plan.accounts.find((it) => it.sid === create.carrierAccountId);
  if (account === undefined) return `of an unknown account ${create.carrierAccountId}`;
  const since = create.at - 1_000 + 2 * evidence.skewMs;
  const { written } = evidence.desk;
  let count = 0;
  for (let index = written.length - 1; index >= 0; index -= 1) {
    const other = written[index]!;
    if (other.at <= since) break;
    if (other.carrierAccountId === account.sid) count += 1;
  }
  if (count <= account.callsPerSecond) return null;
  return `${count} creates in one second at ${account.callsPerSecond} a second`;
}

/** Between a look and the cancel that follows it a phone may begin to ring; before it, never. */
function rangBeforeLastLook({ desk }: Evidence, call: Call): boolean {
  const rangAt = call.history.find((step) => step.status === "ringing")?.at;
  return rangAt !== undefined && rangAt < (desk.lookedAt.get(call) ?? Number.POSITIVE_INFINITY);
}

/**
 * A recipient may be dialed again only when nobody was disturbed: the carrier never took the dial,
 * or it ended before anybody answered because we took it back or the account was full.
 */
function notCalledBefore(evidence: Evidence, dial: Dial): string | null {
  for (const other of evidence.desk.written) {
    if (other === dial.create || other.call === null) continue;
    if (evidence.dials.get(other)?.recipientId !== dial.recipientId) continue;
    const { call } = other;
    if (call.answeredAt !== null) return `it answered ${call.sid}`;
    if (rangBeforeLastLook(evidence, call)) return `${call.sid} rang when it was taken back`;
    if (!wasTakenBack(call)) return `its call ${call.sid} is ${call.status}`;
  }
  return null;
}

function wasTakenBack(call: Call): boolean {
  return call.status === "canceled" || isOverConcurrency(call);
}

function isOverConcurrency(call: Call): boolean {
  return call.status === "busy" && call.notifications.some((it) => it.code === 10004);
}

/** A dial that the carrier never had, and about which nobody could know. */
function notTwiceUnknown(evidence: Evidence, dial: Dial): string | null {
  const unknown = evidence.desk.written.filter(
    (other) =>
      evidence.dials.get(other)?.recipientId === dial.recipientId &&
      other.call === null &&
      other.answer === "unknown",
  );
  return unknown.length < MAX_UNKNOWN_DIALS ? null : `${unknown.length} dials were unknown`;
}

const DAY_MS = 86_400_000;

function withinDay(evidence: Evidence, dial: Dial): string | null {
  const key = evidence.plan.keys.find((it) => it.id === dial.keyId);
  const most = key?.maxCallsPerDay ?? null;
  if (most === null) return null;
  // Refused and taken-back dials do not count for long; only those that the carrier kept do.
  const recent = evidence.desk.written.filter(
    (other) =>
      evidence.dials.get(other)?.keyId === dial.keyId &&
      other.at > dial.create.at - DAY_MS + 2_000 &&
      (other === dial.create || (other.call !== null && !wasTakenBack(other.call))),
  );
  return recent.length > most ? `${recent.length} calls in 24 hours, ${most} are allowed` : null;
}

function oneCallPerPhone(evidence: Evidence, dial: Dial): string | null {
  const others = openCallsAtCarrier(evidence).filter(
    (it) => it.dial !== dial && it.dial.keyId === dial.keyId && it.call.to === dial.create.order.to,
  );
  return others.length === 0 ? null : `${others[0]!.call.sid} is ${others[0]!.call.status}`;
}

function withinKeyLimit(evidence: Evidence, dial: Dial): string | null {
  const limits = evidence.limits.filter((it) => it.keyId === dial.keyId);
  const from = dial.create.at - LIMIT_HOLDS_AFTER_MS;
  const inForce = limits.filter((_, index) => {
    const next = limits[index + 1];
    return next === undefined || next.at > from;
  });
  const limit = Math.max(...inForce.map((it) => it.limit));
  const open = openCallsAtCarrier(evidence).filter((it) => it.dial.keyId === dial.keyId).length;
  return open > limit ? `${open} open calls, limit ${limit}` : null;
}

function withinConcurrency(evidence: Evidence, dial: Dial): string | null {
  const { carrierAccountId } = dial.create;
  const account = evidence.plan.accounts.find((it) => it.sid === carrierAccountId);
  const limit = account?.maxConcurrentCalls ?? null;
  if (limit === null) return null;
  const open = openCallsAtCarrier(evidence).filter((it) => it.call.accountSid === carrierAccountId);
  return open.length > limit ? `${open.length} open calls, ${limit} are allowed` : null;
}

function provenBeforeMore(evidence: Evidence, dial: Dial): string | null {
  const { carrierAccountId } = dial.create;
  const account = evidence.plan.accounts.find((it) => it.sid === carrierAccountId);
  if (account?.isProven !== false || evidence.desk.calledBack.has(carrierAccountId)) return null;
  const open = openCallsAtCarrier(evidence).filter((it) => it.call.accountSid === carrierAccountId);
  return open.length > 1 ? `${open.length} open calls and no callback yet` : null;
}

// --- tables

const ENDED_CALLS = new Set(["completed", "busy", "no_answer", "failed", "canceled"]);
const UNSETTLED = new Set(["waiting", "calling"]);

function finalStatesStay(tables: Tables, before: Tables | null): string | null {
  if (before === null) return null;
  const recipients = new Map(tables.recipients.map((row) => [row.id, row.state]));
  for (const { id, state } of before.recipients) {
    const now = recipients.get(id);
    if (UNSETTLED.has(state) || state === "uncertain" || now === state) continue;
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

function statusMovesForward(tables: Tables, before: Tables | null): string | null {
  const earlier = new Map(before?.calls.map((row) => [row.id, row]));
  for (const call of tables.calls) {
    const was = earlier.get(call.id);
    if (was?.open !== true || !call.open || was.dialNumber !== call.dialNumber) continue;
    // Without a carrier's word about it, it may have been taken back and reserved again.
    if (was.carrierCallId === null || was.carrierCallId !== call.carrierCallId) continue;
    if (RANKS.indexOf(call.status) < RANKS.indexOf(was.status)) {
      return `call ${call.id} was ${was.status} and is ${call.status}`;
    }
  }
  return null;
}

function everyRecipientGoesOn(tables: Tables): string | null {
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

function slotsAreOpenCalls(tables: Tables): string | null {
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

function countersEqualRows(tables: Tables): string | null {
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

// --- the end

function everythingFinished(tables: Tables): string | null {
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

function carrierCallsBelong(
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
    if (call.status === "canceled") continue;
    return `${call.sid} (${call.status}) is dial ${order.dialNumber} of ${owner.id}, which is bound to ${owner.carrierCallId}`;
  }
  return null;
}

function outcomesAreReal(
  tables: Tables,
  _before: Tables | null,
  evidence: Evidence,
): string | null {
  const answered = new Set<number>();
  const disturbed = new Set<number>();
  for (const [create, dial] of evidence.dials) {
    if (create.call === null) continue;
    if (!wasTakenBack(create.call)) disturbed.add(dial.recipientId);
    if (create.call.answeredAt !== null) answered.add(dial.recipientId);
  }
  const foreign = new Set(
    tables.calls
      .filter((it) => evidence.desk.books.findCall(it.carrierCallId ?? "")?.request === null)
      .map((it) => it.recipientId),
  );
  const isCanceled = (id: string): boolean =>
    tables.campaigns.some((it) => it.id === id && ["canceled", "failed"].includes(it.status));
  for (const row of tables.recipients) {
    // One that was taken for ours from the list: the risk that docs/failure-modes.md names.
    if (foreign.has(row.id)) continue;
    const wasAnswered = answered.has(row.id);
    const wasDisturbed = disturbed.has(row.id);
    const what = unrealState(row.state, { wasAnswered, wasDisturbed });
    if (what !== null) return `recipient ${row.id} is ${row.state}, ${what}`;
    if (row.state === "canceled" && row.campaignId !== null && !isCanceled(row.campaignId)) {
      return `recipient ${row.id} is canceled, its campaign is not`;
    }
  }
  return null;
}

/** What contradicts a recipient's state; null: nothing. */
function unrealState(
  state: string,
  seen: { readonly wasAnswered: boolean; readonly wasDisturbed: boolean },
): string | null {
  const isReached = state === "reached" || state === "voicemail";
  if (isReached && !seen.wasAnswered) return "nobody answered";
  if (state === "not_reached" && !seen.wasDisturbed) return "and nobody was disturbed";
  const mayHaveAnswered = isReached || state === "uncertain" || state === "canceled";
  return seen.wasAnswered && !mayHaveAnswered ? "but answered" : null;
}
