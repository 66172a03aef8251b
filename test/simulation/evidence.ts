// What the rules look at: the carrier's books, the tables, and what people did and when it was
// committed. Collected beside the engine, which knows nothing of it.

import type { CampaignStatus } from "../../src/domain/campaign-life.ts";
import { WEEKDAYS, type CallingWindow, type Weekday } from "../../src/domain/calling-window.ts";
import type { HandOutcome } from "../../src/domain/hand-settlement.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { RetryPolicy } from "../../src/domain/retry-policy.ts";
import type { Row } from "../../src/ports/database.ts";
import { isEnded, type Call } from "../../src/simulator/carrier-model/call.ts";
import type { CarrierDesk, WrittenCreate } from "./carrier-desk.ts";
import type { WorldConnection } from "./database-desk.ts";
import type { CampaignPlan, WorldPlan } from "./world-plan.ts";

/** A campaign as a person's verb left it. */
export interface CampaignMoment {
  readonly at: Instant;
  readonly status: CampaignStatus;
  readonly launchedAt: Instant | null;
  readonly overriddenUntil: Instant | null;
}

/** What may be edited of a campaign, from when it holds. */
export interface CampaignSettings {
  readonly at: Instant;
  readonly window: CallingWindow | null;
  readonly expiresAt: Instant | null;
  readonly retryPolicy: RetryPolicy | null;
}

/** In a call somebody asked to be called at a time of their own. */
export interface Wish {
  readonly recipientId: number;
  readonly notBefore: Instant;
}

/** What a person said about an uncertain call. */
export interface HandWord {
  readonly recipientId: number;
  readonly outcome: HandOutcome;
  readonly at: Instant;
}

/** A process had a wrong time, and knew it. */
export interface ClockDoubt {
  readonly from: Instant;
  readonly to: Instant;
  readonly byMs: number;
}

/** A create with what our tables say it was for. */
export interface Dial {
  readonly create: WrittenCreate;
  readonly keyId: string;
  readonly campaignId: string | null;
  readonly recipientId: number;
  /** 0: the campaign's own zone. */
  readonly zoneGroup: number;
}

export interface RecipientRow extends Row {
  readonly id: number;
  readonly campaignId: string | null;
  readonly keyId: string;
  readonly phone: string;
  readonly state: string;
  readonly reason: string | null;
  readonly claimable: boolean;
  readonly waitsForPhone: boolean;
  readonly settled: boolean;
  readonly openCalls: number;
}

export interface CallRow extends Row {
  readonly id: string;
  readonly keyId: string;
  readonly recipientId: number;
  readonly phone: string;
  readonly status: string;
  readonly open: boolean;
  readonly dialNumber: number;
  readonly carrierCallId: string | null;
  readonly slots: number;
}

export interface CampaignRow extends Row {
  readonly id: string;
  readonly status: string;
  readonly recipientsCount: number;
  readonly rows: number;
}

export interface KeyRow extends Row {
  readonly id: string;
  readonly limit: number;
  readonly slots: number;
  readonly heldSlots: number;
}

/** The tables at one moment at which no transaction was open. */
export interface Tables {
  readonly recipients: readonly RecipientRow[];
  readonly calls: readonly CallRow[];
  readonly campaigns: readonly CampaignRow[];
  readonly keys: readonly KeyRow[];
}

export interface Evidence {
  readonly plan: WorldPlan;
  readonly desk: CarrierDesk;
  readonly now: () => number;
  /** Farthest that two clocks are apart. */
  readonly skewMs: number;
  readonly campaigns: ReadonlyMap<string, CampaignPlan>;
  readonly moments: Map<string, CampaignMoment[]>;
  readonly suppressions: {
    readonly keyId: string | null;
    readonly phone: string;
    readonly at: Instant;
  }[];
  readonly stops: { readonly isStopped: boolean; readonly at: Instant }[];
  readonly limits: { readonly keyId: string; readonly limit: number; readonly at: Instant }[];
  readonly dials: Map<WrittenCreate, Dial>;
  /** By campaign, oldest first: as it was made, then each edit. */
  readonly settings: Map<string, CampaignSettings[]>;
  readonly wishes: Wish[];
  readonly handWords: HandWord[];
  readonly revocations: { readonly keyId: string; readonly at: Instant }[];
  readonly doubts: ClockDoubt[];
}

/** Evidence of a world in which nothing has happened yet. */
export function noEvidence(world: Pick<Evidence, "plan" | "desk" | "now" | "skewMs">): Evidence {
  const { plan } = world;
  const asMade = plan.campaigns.map((campaign): [string, CampaignSettings[]] => {
    const { window, expiresAt, retryPolicy } = campaign;
    return [campaign.id, [{ at: plan.startsAt, window, expiresAt, retryPolicy }]];
  });
  return {
    ...world,
    campaigns: new Map(plan.campaigns.map((campaign) => [campaign.id, campaign])),
    moments: new Map(),
    suppressions: [],
    stops: [],
    limits: plan.keys.map((key) => ({ keyId: key.id, limit: key.limit, at: plan.startsAt })),
    dials: new Map(),
    settings: new Map(asMade),
    wishes: [],
    handWords: [],
    revocations: [],
    doubts: [],
  };
}

/** A campaign's settings that were in force at some instant from `since` on. */
export function settingsSince(
  evidence: Evidence,
  campaignId: string | null,
  since: number,
): readonly CampaignSettings[] {
  const all = evidence.settings.get(campaignId ?? "") ?? [];
  return all.filter((_, index) => (all[index + 1]?.at ?? Number.POSITIVE_INFINITY) > since);
}

/** Calls at the carrier that are ours, not ended now. */
export function openCallsAtCarrier(
  evidence: Evidence,
): { readonly call: Call; readonly dial: Dial }[] {
  const open: { call: Call; dial: Dial }[] = [];
  for (const create of evidence.desk.written) {
    const dial = evidence.dials.get(create);
    if (create.call !== null && dial !== undefined && !isEnded(create.call)) {
      open.push({ call: create.call, dial });
    }
  }
  return open;
}

export async function readDial(
  connection: WorldConnection,
  create: WrittenCreate,
): Promise<Dial | null> {
  const [row] = await connection.observe<{
    keyId: string;
    campaignId: string | null;
    recipientId: number;
    zoneGroup: number;
  }>(
    `select c.key_id as "keyId", c.campaign_id as "campaignId", c.recipient_id as "recipientId",
       r.zone_group as "zoneGroup"
     from calls c join recipients r on r.id = c.recipient_id where c.id = $1`,
    [create.order.callId],
  );
  return row === undefined ? null : { create, ...row };
}

/** null: there is no such campaign yet. */
export async function readMoment(
  connection: WorldConnection,
  campaignId: string,
  at: Instant,
): Promise<CampaignMoment | null> {
  const [row] = await connection.observe<{
    status: CampaignStatus;
    launchedAt: Instant | null;
    overriddenUntil: Instant | null;
  }>(
    `select status, launched_at as "launchedAt", window_overridden_until as "overriddenUntil"
     from campaigns where id = $1`,
    [campaignId],
  );
  return row === undefined ? null : { at, ...row };
}

/** null: there is no such campaign yet. */
export async function readSettings(
  connection: WorldConnection,
  campaignId: string,
  at: Instant,
): Promise<CampaignSettings | null> {
  const [row] = await connection.observe<{
    startMinutes: number | null;
    endMinutes: number | null;
    days: readonly Weekday[] | null;
    expiresAt: Instant | null;
    retryPolicy: RetryPolicy | null;
  }>(
    `select window_start_minutes as "startMinutes", window_end_minutes as "endMinutes", window_days as days,
       expires_at as "expiresAt", retry_policy as "retryPolicy" from campaigns where id = $1`,
    [campaignId],
  );
  if (row === undefined) return null;
  const { startMinutes, endMinutes, days, expiresAt, retryPolicy } = row;
  const window =
    startMinutes === null || endMinutes === null
      ? null
      : { startMinutes, endMinutes, days: days ?? WEEKDAYS };
  return { at, window, expiresAt, retryPolicy };
}

export async function readTables(connection: WorldConnection): Promise<Tables> {
  const recipients = await connection.observe<RecipientRow>(
    `select r.id, r.campaign_id as "campaignId", r.key_id as "keyId", r.phone, r.state, r.state_reason as reason,
       r.claimable, r.waits_for_phone as "waitsForPhone", r.settled,
       (select count(*) from calls c where c.recipient_id = r.id and c.open) as "openCalls"
     from recipients r order by r.id`,
  );
  const calls = await connection.observe<CallRow>(
    `select c.id, c.key_id as "keyId", c.recipient_id as "recipientId", c.to_number as phone, c.status, c.open,
       c.dial_number as "dialNumber", c.carrier_call_id as "carrierCallId",
       (select count(*) from slots s where s.call_id = c.id) as slots
     from calls c order by c.id`,
  );
  const campaigns = await connection.observe<CampaignRow>(
    `select g.id, g.status, g.recipients_count as "recipientsCount",
       (select count(*) from recipients r where r.campaign_id = g.id) as rows
     from campaigns g order by g.id`,
  );
  const keys = await connection.observe<KeyRow>(
    `select k.id, k.concurrent_call_limit as limit,
       (select count(*) from slots s where s.key_id = k.id and not s.retiring) as slots,
       (select count(*) from slots s where s.key_id = k.id and s.call_id is not null) as "heldSlots"
     from api_keys k order by k.id`,
  );
  return { recipients, calls, campaigns, keys };
}

/** Nobody is left to call, and nothing is under way. */
export async function isQuiet(connection: WorldConnection): Promise<boolean> {
  const [row] = await connection.observe<{ busy: boolean }>(
    `select exists (select from recipients where not settled) or exists (select from calls where open)
       or exists (select from campaigns where status in ('scheduled', 'running', 'paused')) as busy`,
  );
  return row?.busy === false;
}
