// Groups of recipients with one set of zones, for campaigns whose window runs in the recipients'
// own zones. Their openings arrive as instants; time zones never reach SQL.

import type { Weekday } from "../domain/calling-window.ts";
import type { CampaignStatus } from "../domain/campaign-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { NewZoneGroup } from "../domain/zone-grouping.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface ZoneGroup extends Row {
  readonly campaignId: string;
  readonly number: number;
  readonly zones: readonly string[];
  readonly status: CampaignStatus;
  readonly startMinutes: number | null;
  readonly endMinutes: number | null;
  readonly days: readonly Weekday[] | null;
  /** Only windows of this local day or later count; null: any. */
  readonly firstDate: string | null;
}

const COLUMNS = `z.campaign_id as "campaignId", z.number, z.zones, g.status, g.window_start_minutes as "startMinutes",
  g.window_end_minutes as "endMinutes", g.window_days as days,
  case when g.launched_at is null then g.scheduled_date::text end as "firstDate"`;

/**
 * Groups whose opening is over, or was computed with other zone rules, locked. Those of ended
 * campaigns too: they are put to rest.
 */
export async function lockStaleGroups(
  tx: Queryable,
  options: { readonly now: Instant; readonly zoneDataVersion: string; readonly limit: number },
): Promise<readonly ZoneGroup[]> {
  const { rows } = await tx.query<ZoneGroup>(
    `select ${COLUMNS} from zone_groups z join campaigns g on g.id = z.campaign_id
     where (z.campaign_id, z.number) in (
         (select campaign_id, number from zone_groups where closes_at <= $1 order by closes_at limit $3) union all
         (select campaign_id, number from zone_groups where closes_at < 'infinity' and zone_data_version < $2 limit $3)
         union all
         (select campaign_id, number from zone_groups where closes_at < 'infinity' and zone_data_version > $2 limit $3))
       and (z.closes_at <= $1 or z.zone_data_version <> $2)
     order by z.campaign_id, z.number limit $3 for update of z skip locked`,
    [sqlInstant(options.now), options.zoneDataVersion, options.limit],
  );
  return rows;
}

/** All groups of one campaign. The caller holds the campaign's lock. */
export async function listGroups(tx: Queryable, campaignId: string): Promise<readonly ZoneGroup[]> {
  const { rows } = await tx.query<ZoneGroup>(
    `select ${COLUMNS} from zone_groups z join campaigns g on g.id = z.campaign_id
     where z.campaign_id = $1 order by z.number for update of z`,
    [campaignId],
  );
  return rows;
}

/** The groups of one campaign and their zones, without a lock. */
export async function readGroupZones(
  db: Queryable,
  campaignId: string,
): Promise<readonly { readonly number: number; readonly zones: readonly string[] }[]> {
  const { rows } = await db.query<{ number: number; zones: readonly string[] }>(
    "select number, zones from zone_groups where campaign_id = $1 order by number",
    [campaignId],
  );
  return rows;
}

/** Writes groups that are new; false: another list has taken one of their numbers or zone sets. */
export async function addGroups(
  tx: Queryable,
  campaignId: string,
  groups: readonly NewZoneGroup[],
  zoneDataVersion: string,
): Promise<boolean> {
  if (groups.length === 0) return true;
  const { rowCount } = await tx.query(
    `insert into zone_groups (campaign_id, number, zones, opens_at, closes_at, zone_data_version)
     select $1, g.number, array(select jsonb_array_elements_text(g.zones)), g.opens_at, g.closes_at, $3
     from jsonb_to_recordset($2) as g(number integer, zones jsonb, opens_at timestamptz, closes_at timestamptz)
     on conflict do nothing`,
    [
      campaignId,
      JSON.stringify(
        groups.map((group) => ({
          number: group.number,
          zones: group.zones,
          opens_at: sqlInstant(group.opensAt),
          closes_at: sqlInstant(group.closesAt),
        })),
      ),
      zoneDataVersion,
    ],
  );
  return rowCount === groups.length;
}

export interface GroupOpening {
  readonly campaignId: string;
  readonly number: number;
  /** Infinity: never again. */
  readonly opensAt: Instant;
  readonly closesAt: Instant;
}

/** Writes openings, and when the campaigns that have not started yet are due: at their first. */
export async function writeGroupOpenings(
  tx: Queryable,
  openings: readonly GroupOpening[],
  zoneDataVersion: string,
): Promise<void> {
  if (openings.length === 0) return;
  await tx.query(
    `update zone_groups z set opens_at = p.opens_at, closes_at = p.closes_at, zone_data_version = $5
     from unnest($1::text[], $2::integer[], $3::timestamptz[], $4::timestamptz[]) as p(campaign_id, number, opens_at, closes_at)
     where z.campaign_id = p.campaign_id and z.number = p.number`,
    [
      openings.map((opening) => opening.campaignId),
      openings.map((opening) => opening.number),
      openings.map((opening) => sqlInstant(opening.opensAt)),
      openings.map((opening) => sqlInstant(opening.closesAt)),
      zoneDataVersion,
    ],
  );
  await tx.query(
    `update campaigns g set opens_at = (select min(opens_at) from zone_groups z where z.campaign_id = g.id)
     where g.id = any($1) and g.zone_mode = 'recipient' and g.status in ('scheduled', 'running', 'paused')`,
    [[...new Set(openings.map((opening) => opening.campaignId))]],
  );
}

/** Recipients of groups whose window never opens any more end as failed, saying why. */
export async function failUnopenable(
  tx: Queryable,
  groups: readonly { readonly campaignId: string; readonly number: number }[],
  now: Instant,
): Promise<void> {
  if (groups.length === 0) return;
  await tx.query(
    `with failed as (
       update recipients r set state = 'failed', settled = true, settled_at = $3, claimable = false,
         waits_for_phone = false, due_reason = null, queued_call_id = null,
         state_reason = 'the calling window is never open in all of its zones at once'
       from unnest($1::text[], $2::integer[]) as p(campaign_id, number)
       where r.campaign_id = p.campaign_id and r.zone_group = p.number and r.state = 'waiting' and not r.settled
       returning r.id)
     update calls c set status = 'failed', ended_reason = 'failed', ended_at = $3
     from failed where c.recipient_id = failed.id and c.status = 'queued'`,
    [groups.map((group) => group.campaignId), groups.map((group) => group.number), sqlInstant(now)],
  );
}
