// Whom a call is handed over to: the agent's own number, and only when its conversation said so.

import type { Queryable, Row } from "../ports/database.ts";

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
