// Which campaigns have something to do: one cheap look, twice a second, that mostly finds nothing,
// and the selections that it shares with the steps.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

// $1 is the time in every selection.

/** As the partial indexes have it. */
export const OPEN = "status in ('scheduled', 'running', 'paused')";

/** Running campaigns that cannot dial until a person acts, and why. */
export const RUNNING_UNABLE = `
  select * from (
    select c.id, case
        when a.deleted_at is not null or not a.is_active then
          'paused: its agent was deleted or is inactive; activate it and resume, or cancel'
        when n.id is null then 'paused: its number ' || c.from_number || ' was deleted; import it again or cancel'
        when not n.outbound_enabled then
          'paused: its number ' || c.from_number || ' is not enabled for outbound calls'
        when n.benched_at is not null then 'paused: the carrier refuses calls from ' || c.from_number || ': '
          || coalesce(n.bench_reason, '') || '; mend it at the carrier, then resume'
        when x.paused_at is not null then 'paused with its carrier account: ' || coalesce(x.pause_reason, '')
          || '; mend it, then resume'
      end as reason
    from campaigns c join agents a on a.id = c.agent_id
    left join phone_numbers n on n.id = c.phone_number_id left join carrier_accounts x on x.id = n.account_id
    where c.status = 'running') c
  where reason is not null`;

/** Single calls that can no longer be dialed, and why. */
export const SINGLES_UNABLE = `
  select * from (
    select r.id, r.queued_call_id, case
        when k.revoked_at is not null then 'the API key was revoked'
        when a.deleted_at is not null or not a.is_active then 'the agent was deleted or is inactive'
        when n.id is null then 'the number was deleted'
        when not n.outbound_enabled then 'the number is not enabled for outbound calls'
        when n.benched_at is not null then 'the carrier refuses calls from the number: ' || coalesce(n.bench_reason, '')
        when x.paused_at is not null then 'the carrier account is paused: ' || coalesce(x.pause_reason, '')
      end as reason
    from recipients r join api_keys k on k.id = r.key_id join agents a on a.id = r.agent_id
    left join phone_numbers n on n.id = r.phone_number_id left join carrier_accounts x on x.id = n.account_id
    where r.campaign_id is null and r.claimable) s
  where reason is not null`;

/** Calls that do not ring yet and may no longer be dialed: their window has closed, or expiry. */
export const TO_TAKE_BACK = `
  select c.id from calls c join campaigns g on g.id = c.campaign_id join recipients r on r.id = c.recipient_id
  where c.open and c.status = 'dialing' and c.end_requested is null and g.status in ('running', 'paused')
    and (g.expires_at <= $1 or case g.zone_mode when 'campaign'
      then not (g.opens_at <= $1 and $1 < g.closes_at) and coalesce(g.window_overridden_until, '-infinity') <= $1
      else not exists (select from zone_groups z where z.campaign_id = g.id and z.number = r.zone_group
                       and z.opens_at <= $1 and $1 < z.closes_at) end)`;

/**
 * Which steps may find something now, and when one finds more. True may be wrong, false never is.
 */
export interface CampaignWork extends Row {
  readonly staleWindows: boolean;
  readonly staleGroups: boolean;
  readonly toFire: boolean;
  readonly unable: boolean;
  readonly unableSingles: boolean;
  readonly toTakeBack: boolean;
  readonly expired: boolean;
  readonly toClose: boolean;
  readonly toFinish: boolean;
  readonly paceRecovers: boolean;
  /** The next instant after now at which a campaign opens, closes or expires; null: none. */
  readonly nextChangeAt: Instant | null;
}

// Planned once, so without knowing how few rows lie before now: what is earliest is compared with
// now, not each row.
const LOOK = `
  with first as materialized (
    select
      (select min(closes_at) from campaigns where ${OPEN}) as window_over,
      (select min(opens_at) from campaigns where status = 'scheduled') as to_fire,
      (select min(expires_at) from campaigns where ${OPEN}) as expired,
      (select min(closes_at) from zone_groups) as group_over,
      (select min(zone_data_version) from campaigns where ${OPEN} and closes_at < 'infinity') as oldest_rules,
      (select max(zone_data_version) from campaigns where ${OPEN} and closes_at < 'infinity') as newest_rules,
      (select min(zone_data_version) from zone_groups where closes_at < 'infinity') as oldest_group_rules,
      (select max(zone_data_version) from zone_groups where closes_at < 'infinity') as newest_group_rules)
  select
    coalesce(window_over <= $1 or oldest_rules <> $2 or newest_rules <> $2, false) as "staleWindows",
    coalesce(group_over <= $1 or oldest_group_rules <> $2 or newest_group_rules <> $2, false) as "staleGroups",
    coalesce(to_fire <= $1, false) as "toFire",
    exists (${RUNNING_UNABLE}) as unable,
    exists (${SINGLES_UNABLE}) as "unableSingles",
    exists (${TO_TAKE_BACK}) as "toTakeBack",
    coalesce(expired <= $1, false) as expired,
    exists (select from campaigns where closing) as "toClose",
    coalesce(expired <= $1, false) or exists (select from campaigns g where g.status = 'running' and not exists (
      select from recipients r where r.campaign_id = g.id and not r.settled)) as "toFinish",
    exists (select from carrier_accounts where pace_recovers_at <= $1) as "paceRecovers",
    least(
      (select min(opens_at) from campaigns where status = 'scheduled' and opens_at > $1),
      (select min(opens_at) from campaigns where status = 'running' and opens_at > $1),
      (select min(closes_at) from campaigns where ${OPEN} and closes_at > $1 and closes_at < 'infinity'),
      (select min(opens_at) from zone_groups where opens_at > $1 and opens_at < 'infinity'),
      (select min(closes_at) from zone_groups where closes_at > $1 and closes_at < 'infinity'),
      (select min(expires_at) from campaigns where ${OPEN} and expires_at > $1)) as "nextChangeAt"
  from first`;

/** Looks which campaign steps may find something at this time. One statement, and no lock. */
export async function lookForCampaignWork(
  db: Queryable,
  now: Instant,
  zoneDataVersion: string,
): Promise<CampaignWork> {
  const { rows } = await db.query<CampaignWork>(LOOK, [sqlInstant(now), zoneDataVersion], "once");
  const [work] = rows;
  if (work === undefined) throw new Error("a look at the campaigns answered no row");
  return work;
}
