// The rules about dialing: what the carrier's side shows in the moment in which a create is written
// or taken, against what people asked for.

import { MAX_CALLBACKS } from "../../src/domain/callback-time.ts";
import { isInsideWindow } from "../../src/domain/calling-window.ts";
import { localDateOf, startOfLocalDay } from "../../src/domain/time-zone.ts";
import type { Call } from "../../src/simulator/carrier-model/call.ts";
import type { WrittenCreate } from "./carrier-desk.ts";
import {
  openCallsAtCarrier,
  settingsSince,
  type CampaignMoment,
  type Dial,
  type Evidence,
} from "./evidence.ts";
import { breaksRetryPolicy } from "./retry-rules.ts";

/**
 * A pause, cancel, edit, suppression or stop holds from this long after its commit: the gate's
 * lead and a request's lateness (docs/failure-modes.md). A second is what was asked for.
 */
const HOLDS_AFTER_MS = 300;
/** Requests that stayed without an answer, and whose calls nobody found: then a person decides. */
const MAX_UNKNOWN_DIALS = 2;
/** A reservation made under an earlier limit is dialed within this. */
const LIMIT_HOLDS_AFTER_MS = 2_500;

export function insideWindow(evidence: Evidence, dial: Dial): string | null {
  const { create, campaignId, zoneGroup } = dial;
  const campaign = evidence.campaigns.get(campaignId ?? "");
  if (campaign === undefined) return null;
  const { scheduledDate, zoneGroups } = campaign;
  const settings = settingsSince(evidence, campaign.id, holdsSince(evidence, create.at));
  const zones = zoneGroups[zoneGroup - 1] ?? [campaign.zone];
  const moments = evidence.moments.get(campaign.id) ?? [];
  // A launch by hand never overrides the window of the recipients' own zones.
  if (zoneGroup === 0 && isOverridden(evidence, campaign.zone, moments, create.at)) return null;
  // With clocks apart, a dial is right by one of them.
  const instants = [create.at, create.at - evidence.skewMs, create.at + evidence.skewMs];
  if (scheduledDate !== null && !moments.some((it) => it.launchedAt !== null)) {
    const from = Math.max(...zones.map((zone) => startOfLocalDay(scheduledDate, zone)));
    if (instants.every((at) => at < from))
      return `before its day ${scheduledDate} in ${zones.join()}`;
  }
  const isInside = (at: number): boolean =>
    settings.some(
      ({ window }) => window === null || zones.every((zone) => isInsideWindow(window, zone, at)),
    );
  if (instants.some(isInside)) return null;
  const windows = JSON.stringify(settings.map((it) => it.window));
  return `at ${new Date(create.at).toISOString()}, window ${windows} in ${zones.join()}`;
}

function holdsSince(evidence: Evidence, at: number): number {
  return at - HOLDS_AFTER_MS - evidence.skewMs;
}

/** Only until the next local midnight, whatever the row says. */
function isOverridden(
  evidence: Evidence,
  zone: string,
  moments: readonly CampaignMoment[],
  at: number,
): boolean {
  return moments.some(
    (it) =>
      it.launchedAt !== null &&
      it.overriddenUntil !== null &&
      at < Math.min(it.overriddenUntil, midnightAfter(it.launchedAt, zone)) + evidence.skewMs,
  );
}

function midnightAfter(at: number, zone: string): number {
  const tomorrow = Temporal.PlainDate.from(localDateOf(at, zone)).add({ days: 1 }).toString();
  return startOfLocalDay(tomorrow, zone);
}

export function campaignRuns(evidence: Evidence, { create, campaignId }: Dial): string | null {
  const moment = evidence.moments.get(campaignId ?? "")?.at(-1);
  if (moment === undefined) return null;
  const isHeld = moment.status === "paused" || moment.status === "canceled";
  const heldMs = create.at - moment.at;
  if (!isHeld || heldMs <= HOLDS_AFTER_MS + evidence.skewMs) return null;
  return `${Math.round(heldMs)} ms after it was ${moment.status}`;
}

export function notSuppressed(evidence: Evidence, { create, keyId }: Dial): string | null {
  const found = evidence.suppressions.find(
    (it) => (it.keyId ?? keyId) === keyId && it.phone === create.order.to,
  );
  if (found === undefined || create.at - found.at <= HOLDS_AFTER_MS + evidence.skewMs) return null;
  return `${Math.round(create.at - found.at)} ms after ${found.phone} was suppressed`;
}

export function notStopped(evidence: Evidence, { create }: Dial): string | null {
  const stop = evidence.stops.at(-1);
  if (stop?.isStopped !== true) return null;
  const stoppedMs = create.at - stop.at;
  return stoppedMs > HOLDS_AFTER_MS + evidence.skewMs ? `${Math.round(stoppedMs)} ms after` : null;
}

export function keyIsValid(evidence: Evidence, { create, keyId }: Dial): string | null {
  const revoked = evidence.revocations.find((it) => it.keyId === keyId);
  if (revoked === undefined || revoked.at >= holdsSince(evidence, create.at)) return null;
  return `${Math.round(create.at - revoked.at)} ms after ${keyId} was revoked`;
}

export function withinPace(evidence: Evidence, { create }: Dial): string | null {
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

/**
 * Between a look and the cancel that follows it a phone may begin to ring. What a look has seen
 * ring is an attempt, even when the cancel was under way.
 */
function rangBeforeLastLook({ desk }: Evidence, call: Call): boolean {
  const rangAt = call.history.find((step) => step.status === "ringing")?.at;
  return rangAt !== undefined && rangAt < (desk.lookedAt.get(call) ?? Number.POSITIVE_INFINITY);
}

/** The recipient's dials of which no person has said since that they called nobody. */
function dialsThatCount(evidence: Evidence, dial: Dial): readonly WrittenCreate[] {
  const words = evidence.handWords.filter(
    (it) => it.recipientId === dial.recipientId && it.outcome === "not_called",
  );
  const since = words.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
  return evidence.desk.written.filter(
    (other) => other.at > since && evidence.dials.get(other)?.recipientId === dial.recipientId,
  );
}

/**
 * A recipient may be dialed again only when nobody was disturbed (the carrier never took the dial,
 * or it ended before anybody answered because we took it back or the account was full), when they
 * asked for it, by the campaign's retry policy, or when a person has said that nobody was called.
 */
export function notCalledBefore(evidence: Evidence, dial: Dial): string | null {
  const earlier: Call[] = [];
  for (const other of dialsThatCount(evidence, dial)) {
    if (other === dial.create || other.call === null) continue;
    const { call } = other;
    if (!wasTakenBack(call) || rangBeforeLastLook(evidence, call)) earlier.push(call);
  }
  const last = earlier.at(-1);
  if (last === undefined || isWished(evidence, dial, last)) return null;
  // Whether there is another call was decided, by what was set then, after the last one ended.
  const policies = settingsSince(evidence, dial.campaignId, last.endedAt ?? dial.create.at).map(
    (it) => it.retryPolicy,
  );
  const broken = policies.map((policy) =>
    policy === null
      ? `its call ${last.sid} is ${last.status}`
      : breaksRetryPolicy(policy, earlier, dial, evidence),
  );
  return broken.includes(null) ? null : (broken[0] ?? `its call ${last.sid} is ${last.status}`);
}

/** In a call that is over they asked for another one, at this time or earlier. */
function isWished(evidence: Evidence, dial: Dial, last: Call): boolean {
  const wishes = evidence.wishes.filter((it) => it.recipientId === dial.recipientId);
  const wish = wishes.at(-1);
  if (wish === undefined || last.endedAt === null || wishes.length > MAX_CALLBACKS) return false;
  return dial.create.at >= wish.notBefore - evidence.skewMs;
}

export function wasTakenBack(call: Call): boolean {
  return call.status === "canceled" || isOverConcurrency(call);
}

export function isOverConcurrency(call: Call): boolean {
  return call.status === "busy" && call.notifications.some((it) => it.code === 10004);
}

/** A dial that the carrier never had, and about which nobody could know. */
export function notTwiceUnknown(evidence: Evidence, dial: Dial): string | null {
  const unknown = dialsThatCount(evidence, dial).filter(
    (other) => other.call === null && other.answer === "unknown",
  );
  return unknown.length < MAX_UNKNOWN_DIALS ? null : `${unknown.length} dials were unknown`;
}

const DAY_MS = 86_400_000;

export function withinDay(evidence: Evidence, dial: Dial): string | null {
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

export function oneCallPerPhone(evidence: Evidence, dial: Dial): string | null {
  const others = openCallsAtCarrier(evidence).filter(
    (it) => it.dial !== dial && it.dial.keyId === dial.keyId && it.call.to === dial.create.order.to,
  );
  return others.length === 0 ? null : `${others[0]!.call.sid} is ${others[0]!.call.status}`;
}

export function withinKeyLimit(evidence: Evidence, dial: Dial): string | null {
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

export function withinConcurrency(evidence: Evidence, dial: Dial): string | null {
  const { carrierAccountId } = dial.create;
  const account = evidence.plan.accounts.find((it) => it.sid === carrierAccountId);
  const limit = account?.maxConcurrentCalls ?? null;
  if (limit === null) return null;
  const open = openCallsAtCarrier(evidence).filter((it) => it.call.accountSid === carrierAccountId);
  return open.length > limit ? `${open.length} open calls, ${limit} are allowed` : null;
}

export function provenBeforeMore(evidence: Evidence, dial: Dial): string | null {
  const { carrierAccountId } = dial.create;
  const account = evidence.plan.accounts.find((it) => it.sid === carrierAccountId);
  if (account?.isProven !== false || evidence.desk.calledBack.has(carrierAccountId)) return null;
  const open = openCallsAtCarrier(evidence).filter((it) => it.call.accountSid === carrierAccountId);
  return open.length > 1 ? `${open.length} open calls and no callback yet` : null;
}

export function notExpired(evidence: Evidence, { create, campaignId }: Dial): string | null {
  const settings = settingsSince(evidence, campaignId, holdsSince(evidence, create.at));
  const ends = settings.map((it) => it.expiresAt ?? Number.POSITIVE_INFINITY);
  const expiresAt = Math.max(...ends);
  if (ends.length === 0 || create.at <= expiresAt + evidence.skewMs) return null;
  return `${create.at - expiresAt} ms after its campaign expired`;
}

const HOUR_MS = 3_600_000;
/** A period is counted from the gate, which lies just before the write. */
const GATE_TO_WRITE_MS = 1_000;

export function withinPhoneCaps(evidence: Evidence, dial: Dial): string | null {
  const key = evidence.plan.keys.find((it) => it.id === dial.keyId);
  const caps = key?.maxCallsPerRecipient ?? null;
  if (caps === null) return null;
  const { at, order } = dial.create;
  for (const [most, hours] of [
    [caps.per_24_hours, 24],
    [caps.per_7_days, 168],
  ] as const) {
    const since = at - hours * HOUR_MS + GATE_TO_WRITE_MS + evidence.skewMs;
    const recent = evidence.desk.written.filter(
      (other) =>
        other.order.to === order.to &&
        evidence.dials.get(other)?.keyId === dial.keyId &&
        other.at > since &&
        (other === dial.create || (other.call !== null && !wasTakenBack(other.call))),
    );
    if (most !== undefined && recent.length > most) {
      return `${recent.length} calls in ${hours} hours, ${most} are allowed`;
    }
  }
  return null;
}
