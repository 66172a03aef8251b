// Whom to call next, and when: the rule behind a claim. Pure arithmetic over rooms that the store
// counted under the claim's lock. Never takes more than the least of: account's pace, account's
// concurrency, key's slots, key's day, voice.

import type { Instant } from "./instant.ts";

/**
 * How far ahead a claim reserves instants to dial at. Longer would make a pause wait, shorter would
 * starve a fast pace.
 */
export const RESERVE_AHEAD_MS = 1_000;
/**
 * How late after its instant a request may still be written. Calls are spaced so that even the
 * latest and the earliest allowed write keep `calls per second` in every rolling second; it costs
 * about a tenth of the pace. It must exceed an ordinary pause of the event loop, or requests are
 * thrown away unsent.
 */
export const MAX_LATENESS_MS = 100;
/** Calls in one claim: a bound on how long its transaction holds the claim lock. */
export const MAX_CALLS_PER_CLAIM = 100;

/** A voice process that has not reported for this long holds no conversations. */
export const VOICE_ALIVE_MS = 5_000;

export interface AccountRoom {
  readonly accountId: string;
  /** Instants to dial at, earliest first; as many as pace and concurrency allow. */
  readonly dialInstants: readonly Instant[];
  readonly intervalMs: number;
}

export interface AccountFacts {
  readonly id: string;
  readonly callsPerSecond: number;
  readonly paceFactor: number;
  readonly nextDialAt: Instant;
  readonly backoffUntil: Instant | null;
  readonly maxConcurrentCalls: number | null;
  readonly learnedConcurrency: number | null;
  readonly learnedConcurrencyUntil: Instant | null;
  /** null until a callback of the account has reached us. */
  readonly provenAt: Instant | null;
  readonly openCalls: number;
}

/**
 * The instants an account may dial at within the reserve. One call at a time until its first
 * callback has arrived: that call proves that the carrier can reach us. Source: DESIGN §2 (Claim;
 * Dial only what we can talk to).
 */
export function planAccountRoom(account: AccountFacts, now: Instant): AccountRoom {
  const intervalMs = (1_000 + MAX_LATENESS_MS) / (account.callsPerSecond * account.paceFactor);
  const dialInstants: Instant[] = [];
  const isBackingOff = account.backoffUntil !== null && account.backoffUntil > now;
  if (isBackingOff) return { accountId: account.id, dialInstants, intervalMs };
  const room = Math.min(concurrencyRoom(account, now), MAX_CALLS_PER_CLAIM);
  let at = Math.max(now, account.nextDialAt);
  while (dialInstants.length < room && at <= now + RESERVE_AHEAD_MS) {
    dialInstants.push(Math.ceil(at));
    at += intervalMs;
  }
  return { accountId: account.id, dialInstants, intervalMs };
}

function concurrencyRoom(account: AccountFacts, now: Instant): number {
  const limits = [Number.POSITIVE_INFINITY];
  if (account.maxConcurrentCalls !== null) limits.push(account.maxConcurrentCalls);
  const learned = account.learnedConcurrencyUntil !== null && account.learnedConcurrencyUntil > now;
  if (learned && account.learnedConcurrency !== null) limits.push(account.learnedConcurrency);
  if (account.provenAt === null) limits.push(1);
  return Math.max(0, Math.min(...limits) - account.openCalls);
}

export interface HeldBack {
  readonly reason: "cap" | "curfew";
  readonly until: Instant;
}

export interface CandidateFacts {
  readonly recipientId: number;
  readonly keyId: string;
  readonly accountId: string;
  readonly phone: string;
  /** Another call to the phone is open under this key. */
  readonly phoneIsBusy: boolean;
  /** Neither the key's cap nor the operator's curfew lets it be called before; null: it may be. */
  readonly heldBack: HeldBack | null;
}

export interface ClaimPlan<C extends CandidateFacts> {
  readonly picks: readonly { readonly candidate: C; readonly dialAt: Instant }[];
  /** Recipients whose phone is being called: they stand back until that call ends. */
  readonly standBack: readonly number[];
  /** Recipients that may be called later only. */
  readonly putOff: readonly (HeldBack & { readonly recipientId: number })[];
  /** Per account, the first instant that is still free. */
  readonly nextDialAt: readonly { readonly accountId: string; readonly nextDialAt: Instant }[];
}

/**
 * Goes through the candidates in their order and takes each one that has room everywhere.
 * Two recipients with one phone are never taken together: the second stands back.
 */
export function planClaim<C extends CandidateFacts>(
  candidates: readonly C[],
  rooms: {
    readonly accounts: readonly AccountRoom[];
    readonly keys: ReadonlyMap<string, number>;
    readonly voice: number;
  },
): ClaimPlan<C> {
  const used = new Map<string, number>();
  const keyRoom = new Map(rooms.keys);
  const accounts = new Map(rooms.accounts.map((account) => [account.accountId, account]));
  const phones = new Set<string>();
  const picks: { candidate: C; dialAt: Instant }[] = [];
  const standBack: number[] = [];
  const putOff: (HeldBack & { recipientId: number })[] = [];
  for (const candidate of candidates) {
    const { recipientId, heldBack } = candidate;
    if (heldBack !== null) {
      putOff.push({ recipientId, ...heldBack });
      continue;
    }
    const phoneKey = `${candidate.keyId} ${candidate.phone}`;
    if (candidate.phoneIsBusy || phones.has(phoneKey)) {
      standBack.push(recipientId);
      continue;
    }
    const dialAt = accounts.get(candidate.accountId)?.dialInstants[
      used.get(candidate.accountId) ?? 0
    ];
    const key = keyRoom.get(candidate.keyId) ?? 0;
    if (dialAt === undefined || key <= 0 || picks.length >= rooms.voice) continue;
    keyRoom.set(candidate.keyId, key - 1);
    used.set(candidate.accountId, (used.get(candidate.accountId) ?? 0) + 1);
    phones.add(phoneKey);
    picks.push({ candidate, dialAt });
  }
  return { picks, standBack, putOff, nextDialAt: nextFreeInstants(accounts, used) };
}

function nextFreeInstants(
  accounts: ReadonlyMap<string, AccountRoom>,
  used: ReadonlyMap<string, number>,
): { accountId: string; nextDialAt: Instant }[] {
  return [...used].map(([accountId, count]) => {
    const account = accounts.get(accountId);
    const last = account?.dialInstants[count - 1];
    if (account === undefined || last === undefined) throw new Error("a pick without its instant");
    return { accountId, nextDialAt: Math.ceil(last + account.intervalMs) };
  });
}
