// A campaign's recipients as the API reads them, with the facts that say why one is not dialed yet.
// Never changes one.

import type { Instant } from "../domain/instant.ts";
import type { DialHoldFacts, DueReason } from "../domain/dial-hold.ts";
import type { RecipientState } from "../domain/recipient-state.ts";
import type { Variables } from "../domain/variables.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface RecipientRow extends Row {
  readonly rowIndex: number;
  readonly phone: string;
  readonly variables: Variables;
  readonly state: RecipientState;
  readonly stateReason: string | null;
  readonly attempts: number;
  readonly dueAt: Instant;
  readonly dueReason: DueReason | null;
  readonly waitsForPhone: boolean;
  readonly callIds: readonly string[];
  /** Zones in which the window must be open, and when it is; null: the campaign's own window. */
  readonly zones: readonly string[] | null;
  readonly zoneOpensAt: Instant | null;
  readonly zoneClosesAt: Instant | null;
}

const JOIN_ZONES =
  "left join zone_groups z on z.campaign_id = r.campaign_id and z.number = r.zone_group";
const COLUMNS = `r.row_index as "rowIndex", r.phone, r.variables, r.state, r.state_reason as "stateReason", r.attempts,
  r.due_at as "dueAt", r.due_reason as "dueReason", r.waits_for_phone as "waitsForPhone",
  z.zones, z.opens_at as "zoneOpensAt", z.closes_at as "zoneClosesAt",
  array(select c.id from calls c where c.recipient_id = r.id order by c.created_at, c.id) as "callIds"`;

/** A row of a list; null: there is none. The caller has checked that the campaign is the key's. */
export async function findRecipient(
  db: Queryable,
  campaignId: string,
  rowIndex: number,
): Promise<RecipientRow | null> {
  const { rows } = await db.query<RecipientRow>(
    `select ${COLUMNS} from recipients r ${JOIN_ZONES} where r.campaign_id = $1 and r.row_index = $2`,
    [campaignId, rowIndex],
  );
  return rows[0] ?? null;
}

/** In the order of the list. The caller has checked that the campaign is the key's. */
export async function listRecipients(
  db: Queryable,
  campaignId: string,
  filter: {
    readonly state: RecipientState | null;
    readonly limit: number;
    readonly offset: number;
  },
): Promise<readonly RecipientRow[]> {
  const { rows } = await db.query<RecipientRow>(
    `select ${COLUMNS}
     from (select * from recipients where campaign_id = $1 and ($2::text is null or state = $2)
           order by row_index limit $3 offset $4) r
     ${JOIN_ZONES}
     order by r.row_index`,
    [campaignId, filter.state, filter.limit, filter.offset],
  );
  return rows;
}

/** What all recipients of a campaign have in common. */
export type SharedHoldFacts = Omit<DialHoldFacts, "recipient" | "campaign" | "now">;

interface HoldRow extends Row {
  readonly stoppedAt: Instant | null;
  readonly stopReason: string | null;
  readonly revokedAt: Instant | null;
  readonly freeSlots: number;
  readonly dayCapReachedAt: Instant | null;
  readonly agentUsable: boolean;
  readonly numberFound: boolean;
  readonly outboundEnabled: boolean | null;
  readonly benchReason: string | null;
  readonly pausedAt: Instant | null;
  readonly pauseReason: string | null;
  readonly isReconciling: boolean;
  readonly backoffUntil: Instant | null;
  readonly nextDialAt: Instant | null;
  readonly provenAt: Instant | null;
  readonly maxOpenCalls: number | null;
  readonly openCalls: number;
  readonly freeVoiceSessions: number;
}

/**
 * What the recipients of one campaign share: installation, key, agent, number, account and voice.
 */
export async function readDialHoldFacts(
  db: Queryable,
  campaignId: string,
  times: {
    readonly now: Instant;
    /** A voice process whose heartbeat is older is taken for dead. */
    readonly aliveSince: Instant;
    /** The key's daily cap counts calls sent after this. */
    readonly dayStart: Instant;
  },
): Promise<SharedHoldFacts | null> {
  const { rows } = await db.query<HoldRow>(
    `select i.dialing_stopped_at as "stoppedAt", i.dialing_stop_reason as "stopReason", k.revoked_at as "revokedAt",
       (select count(*) filter (where s.call_id is null) - count(*) filter (where s.retiring)
        from slots s where s.key_id = k.id) as "freeSlots",
       case when k.max_calls_per_day = 0 then 'infinity'::timestamptz else
         (select c.sent_at from calls c where c.key_id = k.id and c.sent_at > $3
          order by c.sent_at desc offset k.max_calls_per_day - 1 limit case when k.max_calls_per_day is null then 0 else 1 end)
       end as "dayCapReachedAt",
       (a.is_active and a.deleted_at is null) as "agentUsable", n.id is not null as "numberFound",
       n.outbound_enabled as "outboundEnabled", case when n.benched_at is null then null
         else coalesce(n.bench_reason, 'the carrier refused to call from it') end as "benchReason",
       t.paused_at as "pausedAt", t.pause_reason as "pauseReason",
       t.reconcile_since is not null as "isReconciling", t.backoff_until as "backoffUntil",
       t.next_dial_at as "nextDialAt", t.proven_at as "provenAt",
       case when t.learned_concurrency_until > $4 then least(t.max_concurrent_calls, t.learned_concurrency)
         else t.max_concurrent_calls end as "maxOpenCalls",
       (select count(*) from calls c where c.open and c.account_id = t.id) as "openCalls",
       coalesce((select sum(max_voice_sessions) from processes where heartbeat_at > $2 and 'voice' = any(roles)), 0)
         - (select count(*) from calls where open) as "freeVoiceSessions"
     from campaigns g join api_keys k on k.id = g.key_id join agents a on a.id = g.agent_id cross join installation i
     left join phone_numbers n on n.id = g.phone_number_id
     left join carrier_accounts t on t.id = n.account_id
     where g.id = $1`,
    [campaignId, sqlInstant(times.aliveSince), sqlInstant(times.dayStart), sqlInstant(times.now)],
  );
  const row = rows[0];
  return row === undefined ? null : sharedFacts(row);
}

function sharedFacts(row: HoldRow): SharedHoldFacts {
  return {
    installation: { stoppedAt: row.stoppedAt, stopReason: row.stopReason },
    key: {
      revokedAt: row.revokedAt,
      freeSlots: row.freeSlots,
      dayCapReachedAt: row.dayCapReachedAt,
    },
    agentUsable: row.agentUsable,
    number: row.numberFound
      ? { outboundEnabled: row.outboundEnabled ?? false, benchReason: row.benchReason }
      : null,
    account: row.numberFound
      ? {
          pausedAt: row.pausedAt,
          pauseReason: row.pauseReason,
          isReconciling: row.isReconciling,
          backoffUntil: row.backoffUntil,
          nextDialAt: row.nextDialAt,
          provenAt: row.provenAt,
          maxOpenCalls: row.maxOpenCalls,
          openCalls: row.openCalls,
        }
      : null,
    freeVoiceSessions: row.freeVoiceSessions,
  };
}
