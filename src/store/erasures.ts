// Requests to erase one phone, and their receipts. Work on one is claimed with a lease like any
// other; a receipt names the phone by a keyed hash only.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** Rows by kind. */
export type ErasureCounts = Readonly<Record<string, number>>;

export interface ErasureRow extends Row {
  readonly id: string;
  /** null: over all keys. */
  readonly keyId: string | null;
  readonly state: "pending" | "done";
  readonly counts: ErasureCounts;
  readonly requestedAt: Instant;
  readonly doneAt: Instant | null;
}

const COLUMNS = `id, key_id as "keyId", state, counts, requested_at as "requestedAt", done_at as "doneAt"`;

/** Asks for an erasure. One of the same phone and scope that is under way is that one. */
export async function requestErasure(
  db: Queryable,
  erasure: {
    readonly id: string;
    readonly keyId: string | null;
    readonly phoneHash: Uint8Array;
    readonly phoneEncrypted: Uint8Array;
    readonly now: Instant;
  },
): Promise<ErasureRow> {
  const { rows } = await db.query<ErasureRow>(
    `insert into erasures (id, key_id, phone_hash, phone_encrypted, state, due_at, requested_at)
     values ($1, $2, $3, $4, 'pending', $5, $5)
     on conflict (coalesce(key_id, ''), phone_hash) where state = 'pending' do update set due_at = $5
     returning ${COLUMNS}`,
    [erasure.id, erasure.keyId, erasure.phoneHash, erasure.phoneEncrypted, sqlInstant(erasure.now)],
  );
  const row = rows[0];
  if (row === undefined) throw new Error("an upsert returned no row");
  return row;
}

/** Receipts of exactly this scope, newest first. */
export async function listErasures(
  db: Queryable,
  keyId: string | null,
  page: { readonly limit: number; readonly offset: number },
): Promise<readonly ErasureRow[]> {
  const { rows } = await db.query<ErasureRow>(
    `select ${COLUMNS} from erasures where key_id is not distinct from $1
     order by requested_at desc, id desc limit $2 offset $3`,
    [keyId, page.limit, page.offset],
  );
  return rows;
}

export async function findErasure(
  db: Queryable,
  keyId: string | null,
  id: string,
): Promise<ErasureRow | null> {
  const { rows } = await db.query<ErasureRow>(
    `select ${COLUMNS} from erasures where id = $2 and key_id is not distinct from $1`,
    [keyId, id],
  );
  return rows[0] ?? null;
}

export interface ClaimedErasure extends Row {
  readonly id: string;
  readonly keyId: string | null;
  readonly phoneHash: Uint8Array;
  readonly phoneEncrypted: Uint8Array;
}

export async function claimErasure(
  db: Queryable,
  now: Instant,
  leaseUntil: Instant,
): Promise<ClaimedErasure | null> {
  const { rows } = await db.query<ClaimedErasure>(
    `update erasures set due_at = $2 where id = (
       select id from erasures where state = 'pending' and due_at <= $1
       order by due_at, id limit 1 for update skip locked)
     returning id, key_id as "keyId", phone_hash as "phoneHash", phone_encrypted as "phoneEncrypted"`,
    [sqlInstant(now), sqlInstant(leaseUntil)],
  );
  return rows[0] ?? null;
}

export async function nextErasureAt(db: Queryable): Promise<Instant | null> {
  const { rows } = await db.query<{ at: Instant | null }>(
    "select min(due_at) as at from erasures where state = 'pending'",
  );
  return rows[0]?.at ?? null;
}

/** Goes on at `dueAt`. */
export async function postponeErasure(db: Queryable, id: string, dueAt: Instant): Promise<void> {
  await db.query("update erasures set due_at = $2 where id = $1 and state = 'pending'", [
    id,
    sqlInstant(dueAt),
  ]);
}

/** Adds to the receipt, in the transaction of what it counts. */
export async function countErased(tx: Queryable, id: string, counts: ErasureCounts): Promise<void> {
  await tx.query(
    `update erasures set counts = counts || (
       select jsonb_object_agg(n.key, n.value::int + coalesce((counts->>n.key)::int, 0)) from jsonb_each_text($2) n)
     where id = $1`,
    [id, JSON.stringify(counts)],
  );
}

/** The receipt is whole, and the phone is gone from it. */
export async function finishErasure(tx: Queryable, id: string, now: Instant): Promise<void> {
  await tx.query(
    `update erasures set state = 'done', phone_encrypted = null, due_at = null, done_at = $2 where id = $1`,
    [id, sqlInstant(now)],
  );
}
