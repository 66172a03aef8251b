// Taking the next recipients: one transaction under the claim lock that counts every limit, picks
// by the pure plan and writes the calls as reserved. Nothing is sent here.

import { newCallId } from "../domain/ids.ts";
import {
  MAX_CALLS_PER_CLAIM,
  MAX_LATENESS_MS,
  planAccountRoom,
  planClaim,
  RESERVE_AHEAD_MS,
  VOICE_ALIVE_MS,
  type AccountRoom,
  type HeldBack,
} from "../domain/claim-plan.ts";
import { curfewUntil } from "../domain/curfew.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { listDialingAccounts, reservePace, type AccountState } from "../store/account-pace.ts";
import {
  countFreeVoiceSessions,
  hasDueWork,
  listCandidates,
  listKeyRooms,
  lockClaimable,
  lockClaims,
  putOff,
  standBack,
  writeClaim,
  type Candidate,
  type ClaimedCall,
  type KeyRoom,
} from "../store/claim.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";

/** A reservation lasts this long: through the reserve, the gate and a slow database. */
export const LEASE_MS = 10_000;
const DAY_MS = 24 * 60 * 60_000;
/** After a claim that found no room anywhere but the pace's, the next is worth trying this soon. */
const RETRY_MS = 250;

export interface Reservation {
  readonly callId: string;
  readonly dialAt: Instant;
}

export interface ClaimOutcome {
  readonly reservations: readonly Reservation[];
  /** When a claim may find more; null: only when something changes. */
  readonly nextClaimAt: Instant | null;
}

const NOTHING: ClaimOutcome = { reservations: [], nextClaimAt: null };

/**
 * Claims what is due, at most to every limit. Returns reservations in the order of their instants.
 * Source: DESIGN §2 (Claim).
 */
export async function claimCalls(deps: EngineDependencies): Promise<ClaimOutcome> {
  if (deps.model.configuration().kind === "missing") return NOTHING;
  if (!(await hasDueWork(deps.database, deps.clock.now()))) return NOTHING;
  return deps.database.transaction(async (tx) => {
    await lockClaims(tx);
    const now = deps.clock.now();
    const states = await listDialingAccounts(tx);
    const accounts = states.map((state) => planAccountRoom(state, now));
    const nextClaimAt = nextClaim(states, accounts, now);
    const ready = accounts.filter((account) => account.dialInstants.length > 0);
    const voice = await countFreeVoiceSessions(tx, now - VOICE_ALIVE_MS);
    const keys = roomOfKeys(await listKeyRooms(tx, now - DAY_MS));
    if (ready.length === 0 || voice <= 0 || keys.size === 0)
      return { reservations: [], nextClaimAt };
    const reservations = await claimIn(tx, deps, { ready, voice, keys, now });
    return { reservations, nextClaimAt };
  });
}

async function claimIn(
  tx: Queryable,
  deps: EngineDependencies,
  rooms: {
    readonly ready: readonly AccountRoom[];
    readonly voice: number;
    readonly keys: ReadonlyMap<string, number>;
    readonly now: Instant;
  },
): Promise<readonly Reservation[]> {
  const { ready, voice, keys, now } = rooms;
  const room = ready.reduce((sum, account) => sum + account.dialInstants.length, 0);
  const candidates = await listCandidates(tx, {
    now,
    accountIds: ready.map((account) => account.accountId),
    keyIds: [...keys.keys()],
    room: Math.min(room, MAX_CALLS_PER_CLAIM),
  });
  const plan = planClaim(
    candidates.map((each) => withHold(deps, each, now)),
    {
      accounts: ready,
      keys,
      voice: Math.min(voice, MAX_CALLS_PER_CLAIM),
    },
  );
  const locked = await lockClaimable(
    tx,
    plan.picks.map((pick) => pick.candidate.recipientId),
  );
  const claimed: ClaimedCall[] = plan.picks
    .filter((pick) => locked.has(pick.candidate.recipientId))
    .map(({ candidate, dialAt }) => ({
      callId: candidate.queuedCallId ?? newCallId(now, deps.random),
      candidate,
      dialAt,
      greeting: deps.prepareGreeting(candidate.agentSettings, candidate.variables),
    }));
  const taken = await writeClaim(tx, claimed, {
    now,
    owner: deps.owner,
    leaseUntil: now + LEASE_MS,
  });
  await reservePace(tx, plan.nextDialAt);
  await standBack(tx, plan.standBack);
  await putOff(tx, plan.putOff);
  return claimed
    .filter((call) => taken.has(call.callId))
    .map((call) => ({ callId: call.callId, dialAt: call.dialAt }))
    .sort((a, b) => a.dialAt - b.dialAt);
}

/** A candidate with what holds it back now, although it is due. */
function withHold(
  { curfew }: EngineDependencies,
  candidate: Candidate,
  now: Instant,
): Candidate & { readonly heldBack: HeldBack | null } {
  const { cappedUntil, phone, ownZones } = candidate;
  if (cappedUntil !== null)
    return { ...candidate, heldBack: { reason: "cap", until: cappedUntil } };
  // The latest byte of what is reserved now: the gate need not look again.
  const until = now + RESERVE_AHEAD_MS + MAX_LATENESS_MS;
  const held = curfew ? curfewUntil(curfew, { phone, ownZones, now, until }) : null;
  return { ...candidate, heldBack: held === null ? null : { reason: "curfew", until: held } };
}

function roomOfKeys(rows: readonly KeyRoom[]): ReadonlyMap<string, number> {
  const rooms = new Map<string, number>();
  for (const row of rows) {
    const room = Math.min(row.freeSlots, row.callsLeftToday ?? row.freeSlots);
    if (room > 0) rooms.set(row.keyId, room);
  }
  return rooms;
}

// A fast pace is refilled half-way through its reserve; a slow one when its next instant comes
// near.
function nextClaim(
  states: readonly AccountState[],
  rooms: readonly AccountRoom[],
  now: Instant,
): Instant {
  const instants = states.map((state) => {
    if (state.backoffUntil !== null && state.backoffUntil > now) return state.backoffUntil;
    const room = rooms.find((each) => each.accountId === state.id);
    if (room !== undefined && room.dialInstants.length > 0) return now + RETRY_MS;
    return Math.max(now + RETRY_MS, state.nextDialAt - RESERVE_AHEAD_MS / 2);
  });
  return Math.min(now + RESERVE_AHEAD_MS, ...instants);
}
