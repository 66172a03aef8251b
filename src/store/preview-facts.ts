// What a preview of a campaign reads beside agent and number: limits, who is suppressed, and how
// the key's calls went lately. Changes nothing.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface DialingLimits extends Row {
  readonly dialingStoppedAt: Instant | null;
  readonly dialingStopReason: string | null;
  readonly accountPausedAt: Instant | null;
  readonly accountPauseReason: string | null;
  readonly callsPerSecond: number;
  /** null: none. */
  readonly accountConcurrency: number | null;
  readonly keyConcurrency: number;
  /** null: none. */
  readonly maxCallsPerDay: number | null;
  /** What the living voice processes can hold; null: none is alive. */
  readonly voiceSessions: number | null;
}

/** The limits of a key on one carrier account, as configured: what was learned passes by itself. */
export async function readDialingLimits(
  db: Queryable,
  ids: { readonly keyId: string; readonly accountId: string },
  aliveSince: Instant,
): Promise<DialingLimits> {
  const { rows } = await db.query<DialingLimits>(
    `select i.dialing_stopped_at as "dialingStoppedAt", i.dialing_stop_reason as "dialingStopReason",
       x.paused_at as "accountPausedAt", x.pause_reason as "accountPauseReason",
       x.calls_per_second as "callsPerSecond", x.max_concurrent_calls as "accountConcurrency",
       k.concurrent_call_limit as "keyConcurrency", k.max_calls_per_day as "maxCallsPerDay",
       (select sum(max_voice_sessions) from processes where heartbeat_at > $3 and 'voice' = any(roles))
         as "voiceSessions"
     from installation i, api_keys k, carrier_accounts x where k.id = $1 and x.id = $2`,
    [ids.keyId, ids.accountId, sqlInstant(aliveSince)],
  );
  const limits = rows[0];
  if (limits === undefined) throw new Error("a key and its number's account are gone");
  return limits;
}

/**
 * How many entries of a list of phones, one a line, are suppressed for the key or for all. About
 * half a second for 100,000.
 */
export async function countSuppressed(
  db: Queryable,
  keyId: string,
  phoneLines: string,
): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*) as n from string_to_table($2, E'\\n') as p(phone)
     where exists (select from suppressions s where s.key_id = $1 and s.phone = p.phone)
       or exists (select from suppressions s where s.key_id is null and s.phone = p.phone)`,
    [keyId, phoneLines],
  );
  return rows[0]?.n ?? 0;
}

export interface CallHistory extends Row {
  /** Calls that ended by themselves: answered, or not. */
  readonly endedCalls: number;
  readonly answeredCalls: number;
  /** Connected seconds of an answered call; null: none was answered. */
  readonly averageTalkSeconds: number | null;
}

/** The newest `limit` calls of a key that were sent after `since` and have ended. */
export async function readCallHistory(
  db: Queryable,
  keyId: string,
  options: { readonly since: Instant; readonly limit: number },
): Promise<CallHistory> {
  const { rows } = await db.query<CallHistory>(
    `select count(*) as "endedCalls", count(answered_at) as "answeredCalls",
       avg(coalesce(duration_seconds, extract(epoch from ended_at - answered_at)))
         filter (where answered_at is not null)::double precision as "averageTalkSeconds"
     from (select * from calls where key_id = $1 and sent_at > $2
             and status in ('completed', 'busy', 'no_answer', 'failed') and ended_at is not null
           order by sent_at desc limit $3) c`,
    [keyId, sqlInstant(options.since), options.limit],
  );
  return rows[0] ?? { endedCalls: 0, answeredCalls: 0, averageTalkSeconds: null };
}
