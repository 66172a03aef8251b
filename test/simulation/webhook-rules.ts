// The rules about webhooks to the user, when a world has become quiet: the tables against what the
// addresses were sent.

import type { Row } from "../../src/ports/database.ts";
import type { WorldConnection } from "./database-desk.ts";
import type { SentWebhook } from "./outbound-desk.ts";

interface DeliveryRow extends Row {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly responseStatus: number | null;
  readonly error: string | null;
  readonly settledAt: number | null;
}

export interface WebhookBooks {
  readonly deliveries: readonly DeliveryRow[];
  /** What happened and nobody was told of: event and id. */
  readonly untold: readonly { readonly event: string; readonly about: string }[];
  readonly analysesLeft: number;
  readonly sent: readonly SentWebhook[];
}

export interface WebhookRule {
  readonly name: string;
  readonly check: (books: WebhookBooks) => string | null;
}

/** Attempts that were under way when the last one was written down. */
const UNDER_WAY_MS = 60_000;
/** Source: contract B.12. */
const MAX_ATTEMPTS = 5;

export const WEBHOOK_RULES: readonly WebhookRule[] = [
  { name: "every event has its webhook", check: everyEventIsTold },
  { name: "every webhook is delivered or given up with a record", check: everyWebhookIsSettled },
  { name: "delivered is what the address has taken", check: deliveredIsReal },
  { name: "a delivered webhook is not sent again", check: notSentAgain },
  { name: "every analysis ends", check: everyAnalysisEnds },
];

function everyEventIsTold({ untold }: WebhookBooks): string | null {
  const [first] = untold;
  return first === undefined ? null : `${first.event} of ${first.about} was never written down`;
}

function everyWebhookIsSettled({ deliveries }: WebhookBooks): string | null {
  for (const row of deliveries) {
    if (row.state === "pending") return `${row.id} is pending`;
    const isRecorded = row.attempts > 0 && (row.responseStatus ?? row.error) !== null;
    if (!isRecorded || row.settledAt === null) return `${row.id} is ${row.state} without a record`;
    const status = row.responseStatus ?? 0;
    const mayBeGivenUp =
      row.attempts >= MAX_ATTEMPTS || (status >= 400 && status < 500 && status !== 429);
    if (row.state === "failed" && !mayBeGivenUp) {
      return `${row.id} was given up after ${row.attempts} attempts and ${row.responseStatus ?? row.error}`;
    }
  }
  return null;
}

function deliveredIsReal({ deliveries, sent }: WebhookBooks): string | null {
  const taken = new Set(sent.filter((it) => it.status === 200).map((it) => it.id));
  const lying = deliveries.find((row) => row.state === "delivered" && !taken.has(row.id));
  return lying === undefined ? null : `${lying.id} never was`;
}

function notSentAgain({ deliveries, sent }: WebhookBooks): string | null {
  const settledAt = new Map(deliveries.map((row) => [row.id, row.settledAt]));
  for (const { id, at } of sent) {
    const settled = settledAt.get(id) ?? null;
    if (settled !== null && at > settled + UNDER_WAY_MS) return `${id} was`;
  }
  return null;
}

function everyAnalysisEnds({ analysesLeft }: WebhookBooks): string | null {
  return analysesLeft === 0 ? null : `${analysesLeft} are pending`;
}

export async function readWebhooks(
  connection: WorldConnection,
  sent: readonly SentWebhook[],
): Promise<WebhookBooks> {
  const deliveries = await connection.observe<DeliveryRow>(
    `select id, state, attempts, response_status as "responseStatus", error, settled_at as "settledAt"
     from deliveries order by id`,
  );
  const untold = await connection.observe<{ event: string; about: string }>(UNTOLD);
  const [left] = await connection.observe<{ n: number }>(
    "select count(*) as n from call_analyses where state = 'pending'",
  );
  return { deliveries, untold, analysesLeft: left?.n ?? 0, sent };
}

const UNTOLD = `select e.event, e.about from (
  select 'call.started' as event, c.id as about, c.agent_id from calls c
    where c.answered_at is not null and c.ended_at is not null
  union all select 'call.completed', c.id, c.agent_id from calls c where c.ended_at is not null
  union all select 'campaign.started', g.id, g.agent_id from campaigns g
    where g.schedule_type = 'schedule' and g.started_at is not null
  union all select 'campaign.completed', g.id, g.agent_id from campaigns g where g.ended_at is not null) e
join agents a on a.id = e.agent_id and a.settings->>'webhook_url' is not null
where not exists (select from deliveries d where d.event = e.event and e.about in (d.call_id, d.campaign_id))
order by 1, 2`;

/** No delivery and no analysis is left to do. */
export async function areJobsQuiet(connection: WorldConnection): Promise<boolean> {
  const [row] = await connection.observe<{ busy: boolean }>(
    `select exists (select from deliveries where state = 'pending')
       or exists (select from call_analyses where state = 'pending') as busy`,
  );
  return row?.busy === false;
}
