// Recent dials with what their campaigns' windows say, for the one rule that SQL cannot check: time
// zones never reach it.

import type { Weekday } from "../../domain/calling-window.ts";
import type { Instant } from "../../domain/instant.ts";
import type { Queryable, Row } from "../../ports/database.ts";
import { sqlInstant } from "../sql-instant.ts";

export interface RecentDial extends Row {
  readonly callId: string;
  readonly dialAt: Instant;
  readonly startMinutes: number;
  readonly endMinutes: number;
  readonly days: readonly Weekday[];
  /** The window must be open in all of them. */
  readonly zones: readonly string[];
}

/** The newest dials of campaigns with a window; not those that a launch by hand let out. */
export async function listRecentDials(
  tx: Queryable,
  bounds: { readonly since: Instant; readonly limit: number },
): Promise<readonly RecentDial[]> {
  const { rows } = await tx.query<RecentDial>(
    `select c.id as "callId", c.dial_at as "dialAt", g.window_start_minutes as "startMinutes",
       g.window_end_minutes as "endMinutes", g.window_days as days,
       coalesce(z.zones, array[g.timezone]) as zones
     from calls c join campaigns g on g.id = c.campaign_id join recipients r on r.id = c.recipient_id
     left join zone_groups z on g.zone_mode = 'recipient' and z.campaign_id = g.id and z.number = r.zone_group
     where c.created_at > $1 and c.sent_at is not null and c.dial_at is not null
       and g.window_start_minutes is not null and g.window_end_minutes is not null and g.window_days is not null
       and not (g.window_overridden_until is not null and g.zone_mode = 'campaign'
         and c.dial_at between g.launched_at and g.window_overridden_until)
     order by c.created_at desc limit $2`,
    [sqlInstant(bounds.since), bounds.limit],
  );
  return rows;
}

export interface OpenCarrierCall extends Row {
  readonly callId: string;
  readonly accountId: string;
  readonly carrierCallId: string;
  readonly status: string;
}

/** Open calls that the carrier has given an id, the oldest first. */
export async function listOpenCarrierCalls(
  db: Queryable,
  limit: number,
): Promise<readonly OpenCarrierCall[]> {
  const { rows } = await db.query<OpenCarrierCall>(
    `select id as "callId", account_id as "accountId", carrier_call_id as "carrierCallId", status
     from calls where open and carrier_call_id is not null order by created_at, id limit $1`,
    [limit],
  );
  return rows;
}
