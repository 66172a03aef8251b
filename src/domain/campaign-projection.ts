// When a campaign would dial its first call and end its last one. A projection, not a promise: each
// call is taken to hold its line equally long, the key to have no other campaign, and every limit
// to stay as it is. Dials follow the rules of a claim (pace, open calls, calls per day, window).

import type { Opening } from "./calling-window.ts";
import { MAX_LATENESS_MS } from "./claim-plan.ts";
import type { Instant } from "./instant.ts";

const DAY_MS = 86_400_000;
/** What takes longer is said to finish never: nobody plans for it, and it bounds the search. */
export const MAX_PROJECTED_MS = 366 * DAY_MS;
/** From the dial until a person answers. */
export const ANSWER_SECONDS = 10;
/** From the dial until a call that nobody answers is given up. */
export const UNANSWERED_SECONDS = 30;

export interface TalkAssumptions {
  readonly talkSeconds: number;
  /** 0–1: share of the calls that somebody or something answers. */
  readonly answerRate: number;
}

export interface ProjectionFacts {
  readonly from: Instant;
  /** Openings that close after `from`, in order and apart from each other. */
  readonly openings: Iterable<Opening>;
  readonly recipientCount: number;
  readonly callsPerSecond: number;
  /** The least of what the key, the account and the voice processes allow. */
  readonly maxOpenCalls: number;
  /** Calls in any 24 hours; Infinity: no cap. */
  readonly maxCallsPerDay: number;
  readonly assumptions: TalkAssumptions;
  /** Dials from this instant on are counted as too late; Infinity: none is. */
  readonly expiresAt: Instant;
}

export interface CampaignProjection {
  /** First instant at which a call may be dialed; null: nobody is to be called, or never. */
  readonly startsAt: Instant | null;
  /** End of the last call; null: not within MAX_PROJECTED_MS of the start, or nobody to call. */
  readonly finishesAt: Instant | null;
  /** Recipients whose call would start before `expiresAt`. */
  readonly dialedInTime: number;
  /** The pace alone decides when the next call starts: more calls at once would change nothing. */
  readonly paceBinds: boolean;
}

/** How long a call holds its line on average, in milliseconds. */
export function averageHoldMs({ talkSeconds, answerRate }: TalkAssumptions): number {
  const answered = ANSWER_SECONDS + talkSeconds;
  return (answerRate * answered + (1 - answerRate) * UNANSWERED_SECONDS) * 1_000;
}

/**
 * Dials one recipient after the other: not before the pace lets it, before the call that many
 * limits ago has ended, before the day's cap has room, nor outside an opening. Takes time in the
 * number of recipients and of openings within a year.
 */
export function projectCampaign(facts: ProjectionFacts): CampaignProjection {
  const intervalMs = (1_000 + MAX_LATENESS_MS) / facts.callsPerSecond;
  const holdMs = averageHoldMs(facts.assumptions);
  const mayCall = facts.maxOpenCalls >= 1 && facts.maxCallsPerDay >= 1;
  const dialAts = mayCall ? dialInstants(facts, intervalMs, holdMs) : [];
  const last = dialAts.at(-1);
  const isDone = last !== undefined && dialAts.length === facts.recipientCount;
  return {
    startsAt: dialAts[0] ?? null,
    finishesAt: isDone ? Math.ceil(last + holdMs) : null,
    dialedInTime: dialAts.filter((at) => at < facts.expiresAt).length,
    paceBinds: intervalMs * facts.maxOpenCalls >= holdMs && !isCapped(facts, dialAts),
  };
}

/** A dial waited for the day's cap; later ones in its opening wait with it. */
function isCapped({ maxCallsPerDay }: ProjectionFacts, dialAts: readonly Instant[]): boolean {
  return dialAts.some((at, index) => at === (dialAts[index - maxCallsPerDay] ?? 0) + DAY_MS);
}

function dialInstants(
  facts: ProjectionFacts,
  intervalMs: number,
  holdMs: number,
): readonly Instant[] {
  const dialAts: Instant[] = [];
  const after = (callsAgo: number, ms: number): Instant =>
    (dialAts[dialAts.length - callsAgo] ?? Number.NEGATIVE_INFINITY) + ms;
  for (const { opensAt, closesAt } of facts.openings) {
    const earliest = Math.max(facts.from, opensAt);
    const end = Math.min(closesAt, (dialAts[0] ?? earliest) + MAX_PROJECTED_MS);
    if (earliest >= end) break;
    while (dialAts.length < facts.recipientCount) {
      const pacedAt = Math.max(after(1, intervalMs), after(facts.maxOpenCalls, holdMs));
      const at = Math.max(earliest, pacedAt, after(facts.maxCallsPerDay, DAY_MS));
      if (at >= end) break;
      dialAts.push(at);
    }
    if (dialAts.length === facts.recipientCount) break;
  }
  return dialAts;
}
