// Whom a call is handed over to: the agent's own number, and only when its conversation said so;
// and what came of it.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface Transfer extends Row {
  readonly toNumber: string;
  /** Our number, which the colleague sees. */
  readonly fromNumber: string;
}

/** null: the call is not to be transferred, or its agent has no number (any more). */
export async function findTransfer(
  db: Queryable,
  callId: string,
  dialNumber: number,
): Promise<Transfer | null> {
  const { rows } = await db.query<Transfer>(
    `select a.settings->>'transfer_number' as "toNumber", c.from_number as "fromNumber"
     from calls c join agents a on a.id = c.agent_id
     where c.id = $1 and c.dial_number = $2 and c.open and c.end_cause = 'transferred'
       and a.settings->>'transfer_number' is not null`,
    [callId, dialNumber],
  );
  return rows[0] ?? null;
}

/**
 * Keeps what came of a transfer with the call's events: the carrier's word, as it was first said.
 * Answers the agent's language; null: no such call. Idempotent.
 */
export async function recordTransferEnd(
  db: Queryable,
  callId: string,
  dialNumber: number,
  end: { readonly status: string | null; readonly at: Instant },
): Promise<string | null> {
  const { rows } = await db.query<{ language: string }>(
    `with call as (
       select c.id, c.erased_at, a.settings->>'language' as language from calls c join agents a on a.id = c.agent_id
       where c.id = $1 and c.dial_number = $2),
     kept as (
       insert into call_events (call_id, at, kind, facts)
       select id, $3, 'transfer_ended', jsonb_build_object('status', $4::text) from call
       where erased_at is null and not exists (
         select from call_events e where e.call_id = call.id and e.kind = 'transfer_ended'))
     select language from call`,
    [callId, dialNumber, sqlInstant(end.at), end.status],
  );
  return rows[0]?.language ?? null;
}
