// Whether a second call to a recipient keeps to its retry policy: by the books of the carrier,
// which know when and how the calls before it ended.

import type { RetryableReason, RetryPolicy } from "../../src/domain/retry-policy.ts";
import { localDateOf } from "../../src/domain/time-zone.ts";
import type { Call } from "../../src/simulator/carrier-model/call.ts";
import type { Dial, Evidence } from "./evidence.ts";

const MINUTE_MS = 60_000;
/** See src/engine/reconcile.ts. */
const LOST_CONVERSATION_MS = 60_000;
/** A day is counted from the gate, which lies just before the write. */
const GATE_TO_WRITE_MS = 400;

/** `earlier`: the recipient's calls before this dial that disturbed somebody, oldest first. */
export function breaksRetryPolicy(
  policy: RetryPolicy,
  earlier: readonly Call[],
  dial: Dial,
  evidence: Evidence,
): string | null {
  const last = earlier.at(-1);
  if (last === undefined) return null;
  const open = earlier.find((call) => call.endedAt === null);
  if (open !== undefined) return `its call ${open.sid} is ${open.status}`;
  if (earlier.length >= policy.max_attempts) {
    return `call ${earlier.length + 1} of ${policy.max_attempts}`;
  }
  if (!reasonsOf(last).some((reason) => policy.ended_reasons.includes(reason))) {
    return `its call ${last.sid} is ${last.status}, which is not retried`;
  }
  const gaps = policy.after_minutes;
  const gapMs = (gaps[Math.min(earlier.length, gaps.length) - 1] ?? 0) * MINUTE_MS;
  const waitedMs = dial.create.at - (last.endedAt ?? 0);
  if (waitedMs < gapMs - evidence.skewMs - mostDoubt(evidence, last.endedAt ?? 0))
    return `after ${waitedMs} ms, not ${gapMs} ms`;
  return breaksDay(policy, dial, evidence);
}

/**
 * A process whose time is wrong dials nobody, and writes down by it when a call ended: the gap is
 * counted from there (docs/failure-modes.md).
 */
function mostDoubt(evidence: Evidence, since: number): number {
  return Math.max(0, ...evidence.doubts.filter((it) => it.to >= since).map((it) => -it.byMs));
}

/** Everything that this end may have been for us, who hear it from callbacks and look-ups. */
function reasonsOf(call: Call): readonly RetryableReason[] {
  switch (call.status) {
    case "busy":
      return ["busy"];
    case "no-answer":
      return ["no-answer"];
    case "failed":
      return ["failed"];
    case "completed": {
      const isMachine = /^(machine|fax)/.test(call.answeredBy ?? "");
      // We may have found its conversation lost, and they hung up before we did.
      const isOurEnd =
        call.endedBecause === "hung up through the API" ||
        (call.endedAt ?? 0) - (call.answeredAt ?? 0) >= LOST_CONVERSATION_MS;
      return [
        ...(isMachine ? (["voicemail_detected"] as const) : []),
        ...(isOurEnd ? (["stuck_ws_disconnect", "server_restart"] as const) : []),
      ];
    }
    case "canceled":
      return hasRung(call) ? ["no-answer"] : [];
    case "queued":
    case "ringing":
    case "in-progress":
      return [];
  }
}

export function hasRung(call: Call): boolean {
  return call.history.some((step) => step.status === "ringing");
}

function breaksDay(policy: RetryPolicy, dial: Dial, evidence: Evidence): string | null {
  const campaign = evidence.campaigns.get(dial.campaignId ?? "");
  const most = policy.max_per_day;
  if (campaign === undefined || most === null) return null;
  const zone = campaign.zoneGroups[dial.zoneGroup - 1]?.[0] ?? campaign.zone;
  const dialedAt = [...evidence.dials]
    .filter(([create, it]) => it.recipientId === dial.recipientId && isKept(create.call, dial, it))
    .map(([create]) => create.at);
  const counts = [0, GATE_TO_WRITE_MS].map((earlierMs) => {
    const day = localDateOf(dial.create.at - earlierMs, zone);
    return dialedAt.filter((at) => localDateOf(at - earlierMs, zone) === day).length;
  });
  const count = Math.min(...counts);
  return count > most ? `${count} calls on one day, ${most} are allowed` : null;
}

function isKept(call: Call | null, dial: Dial, other: Dial): boolean {
  if (other === dial) return true;
  return call !== null && call.status !== "canceled" && call.notifications.length === 0;
}
