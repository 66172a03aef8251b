// The claim's statements. A claim is one transaction: it finds who may be called, takes their slots
// and writes the calls. Claims of an installation run one after another under a transaction-level
// lock. They take milliseconds and up to a hundred calls each, far above any carrier's pace, and in
// return every limit (key, account, voice, phone) is exact without counting under races: lock in an
// earlier statement, count in a later one.

import type { AgentSettings } from "../domain/agent-settings.ts";
import type { HeldBack } from "../domain/claim-plan.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

// Any constant will do; it names "the claim" among transaction-level advisory locks.
const CLAIM_LOCK = 7_310_001;

export async function lockClaims(tx: Queryable): Promise<void> {
  await tx.query("select pg_advisory_xact_lock($1)", [CLAIM_LOCK]);
}

// Running campaigns whose window is open at $1: one row each, or one for every zone group that is
// open when the window runs in the recipients' own zones.
const OPEN_LISTS = `
  select g.*, 0 as zone_group from campaigns g
  where g.status = 'running' and g.zone_mode = 'campaign' and (g.expires_at is null or $1 < g.expires_at)
    and ((g.opens_at <= $1 and $1 < g.closes_at) or $1 < g.window_overridden_until)
  union all
  select g.*, z.number from campaigns g join zone_groups z on z.campaign_id = g.id
  where g.status = 'running' and g.zone_mode = 'recipient' and (g.expires_at is null or $1 < g.expires_at)
    and z.opens_at <= $1 and $1 < z.closes_at`;

/** Whether any recipient may be due: a cheap look before the claim's lock is taken. */
export async function hasDueWork(db: Queryable, now: Instant): Promise<boolean> {
  const { rows } = await db.query<{ due: boolean }>(
    `select (dialing_stopped_at is null) and (
       exists (select from (${OPEN_LISTS}) g where exists (
         select from recipients r where r.campaign_id = g.id and r.zone_group = g.zone_group
           and r.claimable and r.due_at <= $1))
       or exists (select from recipients r where r.campaign_id is null and r.claimable and r.due_at <= $1)) as due
     from installation`,
    [sqlInstant(now)],
  );
  return rows[0]?.due ?? false;
}

/**
 * Conversations that can still be held: what the living voice processes can hold, less every open
 * call.
 */
export async function countFreeVoiceSessions(tx: Queryable, aliveSince: Instant): Promise<number> {
  const { rows } = await tx.query<{ free: number }>(
    `select coalesce((select sum(max_voice_sessions) from processes
         where heartbeat_at > $1 and 'voice' = any(roles)), 0)
       - (select count(*) from calls where open) as free`,
    [sqlInstant(aliveSince)],
  );
  return rows[0]?.free ?? 0;
}

export interface KeyRoom extends Row {
  readonly keyId: string;
  /**
   * The limit less every open call: calls above a limit that was lowered count too, so that nothing
   * new starts until they have ended.
   */
  readonly freeSlots: number;
  /** Calls the key may still send in its rolling 24 hours; null: no cap. */
  readonly callsLeftToday: number | null;
}

/** Keys that have free slots, with their daily caps. */
export async function listKeyRooms(tx: Queryable, dayStart: Instant): Promise<readonly KeyRoom[]> {
  const { rows } = await tx.query<KeyRoom>(
    `select k.id as "keyId", s.free as "freeSlots",
       case when k.max_calls_per_day is null then null else k.max_calls_per_day -
         (select count(*) from calls c where c.key_id = k.id and (c.sent_at > $1 or c.status = 'reserved')) end
         as "callsLeftToday"
     from (select key_id, count(*) filter (where call_id is null) - count(*) filter (where retiring) as free
           from slots group by key_id) s
     join api_keys k on k.id = s.key_id
     where s.free > 0 and k.revoked_at is null`,
    [sqlInstant(dayStart)],
  );
  return rows;
}

export interface Candidate extends Row {
  readonly recipientId: number;
  readonly campaignId: string | null;
  readonly keyId: string;
  readonly agentId: string;
  readonly phoneNumberId: string;
  readonly accountId: string;
  readonly fromNumber: string;
  readonly phone: E164;
  /** Where the campaign's window runs in the recipients' zones; else null. */
  readonly ownZones: readonly string[] | null;
  readonly attempts: number;
  readonly queuedCallId: string | null;
  readonly variables: Record<string, string | number | boolean>;
  readonly agentSettings: AgentSettings;
  readonly timezone: string;
  readonly phoneIsBusy: boolean;
  /** The phone's cap over all campaigns of the key is used up until then; null: it is not. */
  readonly cappedUntil: Instant | null;
}

// Longest list one claim looks at: several times what it can take, because phones may be busy and
// keys full.
const MAX_CANDIDATES = 1_000;

// A campaign that could not call for a while has this many turns in hand when it comes back, and
// not all that it missed: nobody else is starved meanwhile.
const MAX_TURNS_IN_HAND = 1;

/**
 * Recipients that may be called now, in the order they should be: single calls first, then the keys
 * in turn, and of each key its running campaigns by their shares.
 */
export async function listCandidates(
  tx: Queryable,
  options: {
    readonly now: Instant;
    readonly accountIds: readonly string[];
    readonly keyIds: readonly string[];
    /** How many the claim could take; each campaign offers up to twice its share of them. */
    readonly room: number;
  },
): Promise<readonly Candidate[]> {
  const { rows } = await tx.query<Candidate>(
    `with campaign as (
       select g.id, g.key_id, g.agent_id, g.phone_number_id, g.from_number, g.timezone, g.last_claimed_at,
         g.zone_group, g.pacing_share,
         greatest(g.pacing_turn, max(g.pacing_turn) over (partition by g.key_id) - ${MAX_TURNS_IN_HAND}) as pacing_turn
       from (${OPEN_LISTS}) g where g.key_id = any($3)
       order by g.last_claimed_at nulls first, g.id, g.zone_group limit 200),
     due as (
       select 1 as class,
         g.pacing_turn + (row_number() over (partition by g.id order by r.due_at, r.id))::float8 / g.pacing_share as turn,
         g.last_claimed_at,
         g.agent_id, g.phone_number_id, g.from_number, g.timezone, r.*
       from campaign g cross join lateral (
         select r.id, r.campaign_id, r.key_id, r.phone, r.attempts, r.queued_call_id, r.variables, r.due_at, r.zone_group
         from recipients r
         where r.campaign_id = g.id and r.zone_group = g.zone_group and r.claimable and r.due_at <= $1
         order by r.due_at, r.id
         limit greatest(1, 2 * $4 * g.pacing_share / (select sum(pacing_share) from campaign))) r
       union all
       select 0, row_number() over (partition by s.key_id order by s.due_at, s.id), null,
         s.agent_id, s.phone_number_id, null, null,
         s.id, s.campaign_id, s.key_id, s.phone, s.attempts, s.queued_call_id, s.variables, s.due_at, s.zone_group
       from (select * from recipients r where r.campaign_id is null and r.claimable and r.due_at <= $1
               and r.key_id = any($3)
             order by r.due_at, r.id limit $4) s)
     select d.id as "recipientId", d.campaign_id as "campaignId", d.key_id as "keyId", d.agent_id as "agentId",
       d.phone_number_id as "phoneNumberId", n.account_id as "accountId", coalesce(d.from_number, n.phone) as "fromNumber",
       d.phone, d.attempts, d.queued_call_id as "queuedCallId", d.variables, a.settings as "agentSettings",
       coalesce(d.timezone, a.timezone, 'Europe/London') as timezone,
       exists (select from calls o where o.open and o.key_id = d.key_id and o.to_number = d.phone) as "phoneIsBusy",
       case when k.max_calls_per_recipient is not null
         then capped_until(d.key_id, d.phone, k.max_calls_per_recipient, $1) end as "cappedUntil"
       , z.zones as "ownZones"
     from due d
     join api_keys k on k.id = d.key_id
     left join zone_groups z on z.campaign_id = d.campaign_id and z.number = d.zone_group
     join agents a on a.id = d.agent_id and a.is_active and a.deleted_at is null
     join phone_numbers n on n.id = d.phone_number_id and n.outbound_enabled and n.benched_at is null
     where n.account_id = any($2)
     order by d.class, row_number() over (partition by d.class, d.key_id order by d.turn, d.last_claimed_at nulls first, d.id),
       d.last_claimed_at nulls first, d.id
     limit ${MAX_CANDIDATES}`,
    [sqlInstant(options.now), options.accountIds, options.keyIds, options.room],
  );
  return rows;
}

/**
 * Locks recipients that are still claimable; one that somebody else holds or has just closed is
 * left out.
 */
export async function lockClaimable(
  tx: Queryable,
  recipientIds: readonly number[],
): Promise<ReadonlySet<number>> {
  const { rows } = await tx.query<{ id: number }>(
    "select id from recipients where id = any($1) and claimable order by id for update skip locked",
    [recipientIds],
  );
  return new Set(rows.map((row) => row.id));
}

/** One call to be written, with the slot it takes. */
export interface ClaimedCall {
  readonly callId: string;
  readonly candidate: Candidate;
  readonly dialAt: Instant;
  readonly greeting: string;
}

/**
 * Takes a free slot for each call and writes the calls as reserved. Answers the ids that got a
 * slot: with claims one at a time every one does, unless a limit was lowered in this very moment.
 */
export async function writeClaim(
  tx: Queryable,
  claimed: readonly ClaimedCall[],
  options: { readonly now: Instant; readonly owner: string; readonly leaseUntil: Instant },
): Promise<ReadonlySet<string>> {
  const taken = await takeSlots(tx, claimed);
  const calls = claimed.filter((call) => taken.has(call.callId));
  if (calls.length === 0) return taken;
  await tx.query(
    `insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, status, open, lease_owner, lease_until, look_up_at, dial_at, greeting, created_at)
     select p.id, p.key_id, p.campaign_id, p.recipient_id, p.agent_id, p.phone_number_id, p.account_id, p.from_number,
       p.to_number, p.attempt, 'reserved', true, $2, $3, $3, p.dial_at, p.greeting, $4
     from jsonb_to_recordset($1) as p(
       id text, key_id text, campaign_id text, recipient_id bigint, agent_id text, phone_number_id text, account_id text,
       from_number text, to_number text, attempt integer, dial_at timestamptz, greeting text)
     on conflict (id) do update set status = 'reserved', open = true, lease_owner = $2, lease_until = $3, look_up_at = $3,
       dial_at = excluded.dial_at, greeting = excluded.greeting, from_number = excluded.from_number,
       phone_number_id = excluded.phone_number_id, account_id = excluded.account_id`,
    [
      JSON.stringify(calls.map(toRecord)),
      options.owner,
      sqlInstant(options.leaseUntil),
      sqlInstant(options.now),
    ],
  );
  await tx.query(
    `update recipients set state = 'calling', state_reason = null, claimable = false, attempts = attempts + 1,
       queued_call_id = null, due_reason = null where id = any($1)`,
    [calls.map((call) => call.candidate.recipientId)],
  );
  await countTurns(tx, calls, options.now);
  return taken;
}

async function countTurns(
  tx: Queryable,
  calls: readonly ClaimedCall[],
  now: Instant,
): Promise<void> {
  const counts = new Map<string, number>();
  for (const { candidate } of calls) {
    const id = candidate.campaignId;
    if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  await tx.query(
    `update campaigns g set last_claimed_at = $3, pacing_turn = p.calls::float8 / g.pacing_share + greatest(g.pacing_turn,
         (select max(o.pacing_turn) from campaigns o where o.key_id = g.key_id and o.status = 'running') - ${MAX_TURNS_IN_HAND})
     from unnest($1::text[], $2::integer[]) as p(id, calls) where g.id = p.id`,
    [[...counts.keys()], [...counts.values()], sqlInstant(now)],
  );
}

function toRecord(call: ClaimedCall): Row {
  const { candidate } = call;
  return {
    id: call.callId,
    key_id: candidate.keyId,
    campaign_id: candidate.campaignId,
    recipient_id: candidate.recipientId,
    agent_id: candidate.agentId,
    phone_number_id: candidate.phoneNumberId,
    account_id: candidate.accountId,
    from_number: candidate.fromNumber,
    to_number: candidate.phone,
    attempt: candidate.attempts + 1,
    dial_at: sqlInstant(call.dialAt),
    greeting: call.greeting,
  };
}

async function takeSlots(
  tx: Queryable,
  claimed: readonly ClaimedCall[],
): Promise<ReadonlySet<string>> {
  const { rows } = await tx.query<{ call_id: string }>(
    `with wanted as (
       select key_id, call_id, row_number() over (partition by key_id order by position) as n
       from unnest($1::text[], $2::text[]) with ordinality as u(key_id, call_id, position)),
     free as materialized (
       select key_id, number from slots
       where call_id is null and not retiring and key_id = any($1) for update skip locked),
     numbered as (select key_id, number, row_number() over (partition by key_id order by number) as n from free)
     update slots s set call_id = w.call_id
     from numbered f join wanted w using (key_id, n)
     where s.key_id = f.key_id and s.number = f.number
     returning s.call_id`,
    [claimed.map((call) => call.candidate.keyId), claimed.map((call) => call.callId)],
  );
  return new Set(rows.map((row) => row.call_id));
}

/**
 * Takes recipients whose phone is on another open call out of the queue until that call ends, so
 * that they block nobody. The open calls are locked first: one that ended in this moment leaves its
 * recipients in the queue.
 */
export async function standBack(tx: Queryable, recipientIds: readonly number[]): Promise<void> {
  if (recipientIds.length === 0) return;
  await tx.query(
    `select c.id from calls c join recipients r on r.key_id = c.key_id and r.phone = c.to_number
     where c.open and r.id = any($1) order by c.id for update of c`,
    [recipientIds],
  );
  await tx.query(
    `update recipients r set claimable = false, waits_for_phone = true
     where r.id = any($1) and r.claimable and exists (
       select from calls c where c.open and c.key_id = r.key_id and c.to_number = r.phone)`,
    [recipientIds],
  );
}

/**
 * Puts recipients off whom the cap of their phone or the curfew holds back, until each may be
 * called.
 */
export async function putOff(
  tx: Queryable,
  heldBack: readonly (HeldBack & { readonly recipientId: number })[],
): Promise<void> {
  if (heldBack.length === 0) return;
  await tx.query(
    `update recipients r set due_at = p.due_at, due_reason = p.reason
     from unnest($1::bigint[], $2::timestamptz[], $3::text[]) as p(id, due_at, reason)
     where r.id = p.id and r.claimable`,
    [
      heldBack.map((recipient) => recipient.recipientId),
      heldBack.map((recipient) => sqlInstant(recipient.until)),
      heldBack.map((recipient) => recipient.reason),
    ],
  );
}

/**
 * A guard against lost wake-ups: whoever stands back for a phone that is free may be claimed again.
 */
export async function releaseForgotten(tx: Queryable): Promise<void> {
  await tx.query(
    `update recipients r set waits_for_phone = false, claimable = true
     where r.waits_for_phone and r.state = 'waiting' and not exists (
       select from calls c where c.open and c.key_id = r.key_id and c.to_number = r.phone)`,
  );
}
