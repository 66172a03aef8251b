// The installation in numbers, for monitoring: one statement over partial indexes, every count with
// a bound, so that asking costs milliseconds however long the lists are.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface InstallationGauges {
  /** Open calls of each key on each account. */
  readonly openCalls: readonly {
    readonly keyId: string;
    readonly accountId: string;
    readonly calls: number;
  }[];
  /** Of the keys that have open calls. */
  readonly limits: readonly { readonly keyId: string; readonly limit: number }[];
  readonly accounts: readonly {
    readonly accountId: string;
    readonly isPaused: boolean;
    readonly isBackingOff: boolean;
    readonly isProven: boolean;
    readonly paceFactor: number;
  }[];
  readonly runningCampaigns: number;
  /** At most the bound. */
  readonly waitingRecipients: number;
  readonly uncertainCalls: number;
  readonly dueDeliveries: number;
  readonly dueAnalyses: number;
  /** How long the oldest reservation has outlived its lease; below 0: none has; null: no leases. */
  readonly leaseOverdueSeconds: number | null;
  readonly deliveryOverdueSeconds: number | null;
  readonly voiceProcesses: number;
  readonly maxVoiceSessions: number;
}

/** @param bound what is counted past it is not counted further */
export async function readGauges(
  db: Queryable,
  options: { readonly now: Instant; readonly aliveSince: Instant; readonly bound: number },
): Promise<InstallationGauges> {
  const { rows } = await db.query<Row & { readonly gauges: InstallationGauges }>(
    `select json_build_object(
       'openCalls', (select coalesce(json_agg(o), '[]') from (
         select key_id as "keyId", account_id as "accountId", count(*) as calls from calls where open group by 1, 2) o),
       'limits', (select coalesce(json_agg(l), '[]') from (
         select id as "keyId", concurrent_call_limit as "limit" from api_keys
         where id in (select key_id from calls where open)) l),
       'accounts', (select coalesce(json_agg(a), '[]') from (
         select id as "accountId", paused_at is not null as "isPaused", coalesce(backoff_until > $1, false) as "isBackingOff",
           proven_at is not null as "isProven", pace_factor as "paceFactor"
         from carrier_accounts order by id limit $3) a),
       'runningCampaigns', (select count(*) from campaigns where status = 'running'),
       'waitingRecipients', (select count(*) from (select from recipients where claimable limit $3) w),
       'uncertainCalls', (select count(*) from (
         select from calls c join recipients r on r.id = c.recipient_id
         where c.ended_reason = 'uncertain' and c.status = 'uncertain' and r.state = 'uncertain' limit $3) u),
       'dueDeliveries', (select count(*) from (
         select from deliveries where state = 'pending' and due_at <= $1 limit $3) d),
       'dueAnalyses', (select count(*) from (
         select from call_analyses where state = 'pending' and due_at <= $1 limit $3) d),
       'leaseOverdueSeconds', (select extract(epoch from $1 - min(lease_until))::float8 from calls
         where open and status = 'reserved'),
       'deliveryOverdueSeconds', (select extract(epoch from $1 - min(due_at))::float8 from deliveries where state = 'pending'),
       'voiceProcesses', (select count(*) from processes where heartbeat_at > $2 and 'voice' = any(roles)),
       'maxVoiceSessions', (select coalesce(sum(max_voice_sessions), 0) from processes
         where heartbeat_at > $2 and 'voice' = any(roles))) as gauges`,
    [sqlInstant(options.now), sqlInstant(options.aliveSince), options.bound],
  );
  const gauges = rows[0]?.gauges;
  if (gauges === undefined) throw new Error("a statement without FROM has one row");
  return gauges;
}
