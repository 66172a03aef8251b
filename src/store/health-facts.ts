// What a health check asks of the database: whether the installation as a whole can call people.
// One cheap statement; yes and no and ages only, because anybody may see the answer.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface HealthFacts extends Row {
  /** The number of the last migration. */
  readonly schema: number;
  readonly isDialingStopped: boolean;
  readonly hasDialer: boolean;
  readonly hasVoice: boolean;
  readonly hasPausedAccount: boolean;
  /** Backing off, or at less than its pace. */
  readonly hasSlowedAccount: boolean;
  /** No callback has ever arrived. */
  readonly hasUnprovenAccount: boolean;
  readonly hasBenchedNumber: boolean;
  /** Restored from a backup, and the carrier's list of calls since then is not read yet. */
  readonly restoringAccounts: number;
  /** How long the oldest webhook delivery has been due; null: none is pending. */
  readonly webhookOverdueMs: number | null;
}

export async function readHealthFacts(
  db: Queryable,
  times: {
    readonly now: Instant;
    /** A process whose heartbeat is older is taken for dead. */
    readonly aliveSince: Instant;
  },
): Promise<HealthFacts> {
  const { rows } = await db.query<HealthFacts>(
    `select (select max(number) from schema_migrations) as schema,
       (select dialing_stopped_at is not null from installation) as "isDialingStopped",
       exists (select from processes where heartbeat_at > $2 and 'dialer' = any(roles)) as "hasDialer",
       exists (select from processes where heartbeat_at > $2 and 'voice' = any(roles) and max_voice_sessions > 0)
         as "hasVoice",
       exists (select from carrier_accounts where paused_at is not null) as "hasPausedAccount",
       exists (select from carrier_accounts where backoff_until > $1 or pace_factor < 1) as "hasSlowedAccount",
       exists (select from carrier_accounts where proven_at is null) as "hasUnprovenAccount",
       exists (select from phone_numbers where benched_at is not null) as "hasBenchedNumber",
       (select count(*) from carrier_accounts where reconcile_since is not null) as "restoringAccounts",
       (select extract(epoch from $1 - min(due_at))::float8 * 1000 from deliveries where state = 'pending')
         as "webhookOverdueMs"`,
    [sqlInstant(times.now), sqlInstant(times.aliveSince)],
  );
  const facts = rows[0];
  if (facts === undefined) throw new Error("a statement without FROM has one row");
  return facts;
}
