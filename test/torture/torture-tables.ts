// The tables as a torture's ledger reads them, past the product.

import type { Database, Row } from "../../src/ports/database.ts";

export interface RecipientRow extends Row {
  readonly phone: string;
  readonly state: string;
  readonly reason: string | null;
  readonly settled: boolean;
  readonly unknownDials: number;
}

export interface CallRow extends Row {
  readonly id: string;
  readonly to: string;
  readonly status: string;
  readonly open: boolean;
  readonly dialNumber: number;
  readonly carrierCallId: string | null;
}

export interface TortureTables {
  readonly recipients: readonly RecipientRow[];
  readonly calls: readonly CallRow[];
  readonly heldSlots: number;
  /** The carrier's ids that a server wrote down from the answer to its create. */
  readonly recordedPlacings: ReadonlySet<string>;
}

export async function readTables(db: Database): Promise<TortureTables> {
  const recipients = await db.query<RecipientRow>(
    `select phone, state, state_reason as reason, settled, unknown_dials as "unknownDials" from recipients`,
  );
  const calls = await db.query<CallRow>(
    `select id, to_number as "to", status, open, dial_number as "dialNumber",
       carrier_call_id as "carrierCallId" from calls`,
  );
  const slots = await db.query<{ held: number }>(
    "select count(*)::int as held from slots where call_id is not null",
  );
  const placings = await db.query<{ sid: string }>(
    `select facts->>'carrierCallId' as sid from call_events
     where kind = 'status' and facts->>'source' = 'placing'`,
  );
  return {
    recipients: recipients.rows,
    calls: calls.rows,
    heldSlots: slots.rows[0]?.held ?? 0,
    recordedPlacings: new Set(placings.rows.map(({ sid }) => sid)),
  };
}

export interface Progress extends Row {
  readonly total: number;
  readonly waiting: number;
  readonly unsettled: number;
  readonly open: number;
}

/** Null while the database is away. */
export async function readProgress(db: Database): Promise<Progress | null> {
  const { rows } = await db
    .query<Progress>(
      `select count(*)::int as total, count(*) filter (where state = 'waiting')::int as waiting,
         count(*) filter (where not settled)::int as unsettled,
         (select count(*)::int from calls where open) as open
       from recipients`,
    )
    .catch(() => ({ rows: [] }));
  return rows[0] ?? null;
}
