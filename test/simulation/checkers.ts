// Every rule that a world must keep, by name: each is a small function that answers what is wrong,
// or null. A new promise of the product gets its rule here and a planted bug that breaks it.

import {
  campaignRuns,
  insideWindow,
  keyIsValid,
  notCalledBefore,
  notExpired,
  notStopped,
  notSuppressed,
  notTwiceUnknown,
  oneCallPerPhone,
  provenBeforeMore,
  withinConcurrency,
  withinDay,
  withinKeyLimit,
  withinPace,
  withinPhoneCaps,
} from "./dial-rules.ts";
import type { Dial, Evidence, Tables } from "./evidence.ts";
import {
  campaignsEnd,
  carrierCallsBelong,
  countersEqualRows,
  everyRecipientGoesOn,
  everythingFinished,
  finalStatesStay,
  outcomesAreReal,
  slotsAreOpenCalls,
  statusMovesForward,
} from "./table-rules.ts";

export interface DialRule {
  readonly name: string;
  readonly check: (evidence: Evidence, dial: Dial) => string | null;
}

export interface TableRule {
  readonly name: string;
  /** `before`: the tables at the check before this one. */
  readonly check: (tables: Tables, before: Tables | null, evidence: Evidence) => string | null;
}

/** At the moment in which the bytes of a create go out. */
export const WRITE_RULES: readonly DialRule[] = [
  { name: "never outside the campaign's window", check: insideWindow },
  { name: "never a paused or canceled campaign", check: campaignRuns },
  { name: "never a suppressed phone", check: notSuppressed },
  { name: "never for a revoked key", check: keyIsValid },
  { name: "never while the operator has stopped dialing", check: notStopped },
  { name: "never above the account's calls per second", check: withinPace },
  { name: "never again but by the retry policy", check: notCalledBefore },
  { name: "never an expired recipient", check: notExpired },
  { name: "never over a phone's cap", check: withinPhoneCaps },
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
  { name: "a campaign with nobody left ends within seconds", check: campaignsEnd },
];

/** When a world has become quiet. */
export const END_RULES: readonly TableRule[] = [
  { name: "everybody is settled and every campaign is over", check: everythingFinished },
  { name: "every carrier call belongs to exactly one call", check: carrierCallsBelong },
  { name: "an outcome is what the carrier's books say", check: outcomesAreReal },
];
