// What a key has used, counted from its calls. Erased calls still count, and those whose records
// are gone: they were made.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface UsageRow extends Row {
  readonly totalCalls: number;
  readonly totalSeconds: number;
  readonly peakConcurrent: number;
}

/**
 * Reads every call of the key: about a second for a million of them.
 * @param monthStart the peak is that of calls sent since then.
 */
export async function readUsage(
  db: Queryable,
  keyId: string,
  monthStart: Instant,
): Promise<UsageRow> {
  const { rows } = await db.query<UsageRow>(
    `with this_month as (
       select sent_at, ended_at from calls where key_id = $1 and sent_at >= $2 and (open or ended_at is not null)),
     step as (
       select sent_at as at, 1 as change from this_month
       union all select ended_at, -1 from this_month where ended_at is not null),
     height as (select sum(change) over (order by at, change) as open_calls from step)
     select count(*) as "totalCalls", coalesce(sum(duration_seconds), 0) as "totalSeconds",
       coalesce((select max(open_calls) from height), 0) as "peakConcurrent"
     from (select duration_seconds from calls where key_id = $1 and sent_at is not null
           union all select duration_seconds from dial_evidence e
           where key_id = $1 and not exists (select from calls c where c.id = e.call_id)) made`,
    [keyId, sqlInstant(monthStart)],
  );
  return rows[0] ?? { totalCalls: 0, totalSeconds: 0, peakConcurrent: 0 };
}
