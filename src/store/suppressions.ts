// Phones that must not be called, of a key or of the whole installation (key id null). Adding one
// reaches everybody who waits for it in the same transaction, so that from its commit on no request
// to that phone passes the gate.

import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { SuppressionSource } from "../domain/suppression.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { requeueCalls } from "./call-endings.ts";
import { requestEnd } from "./gate.ts";
import { sqlInstant } from "./sql-instant.ts";
import { settleSuppressedPhones } from "./suppressed-recipients.ts";

export interface SuppressionRow extends Row {
  readonly id: string;
  /** null: of the whole installation. */
  readonly keyId: string | null;
  readonly phone: E164;
  readonly reason: string | null;
  readonly source: SuppressionSource;
  readonly createdAt: Instant;
}

const COLUMNS = 'id, key_id as "keyId", phone, reason, source, created_at as "createdAt"';

export interface NewSuppression {
  /** Kept only when the phone is new to the list. */
  readonly id: string;
  readonly phone: E164;
  readonly reason: string | null;
}

export interface SuppressionsAdded {
  /** The others were there already. */
  readonly addedCount: number;
  /** Recipients that waited for a call and now have ended as `suppressed`. */
  readonly settledCount: number;
}

/**
 * Suppresses phones, each named once. A phone that is there already keeps its id, since and source,
 * and its reason unless another is given. Waiting recipients end as `suppressed`; calls not sent
 * yet are taken back and those sent but not ringing are asked to end; a call that rings or talks
 * goes on.
 */
export async function addSuppressions(
  tx: Queryable,
  list: {
    readonly keyId: string | null;
    readonly source: SuppressionSource;
    readonly entries: readonly NewSuppression[];
    readonly now: Instant;
  },
): Promise<SuppressionsAdded> {
  const { keyId, entries, now } = list;
  const phones = entries.map((entry) => entry.phone);
  const target =
    keyId === null ? "(phone) where key_id is null" : "(key_id, phone) where key_id is not null";
  // In the order of phones, so that two lists at once wait for each other instead of deadlocking.
  // What stays as it is is not written again: whole registers are sent every night.
  const { rows } = await tx.query<{ id: string }>(
    `insert into suppressions as s (id, key_id, phone, reason, source, created_at)
     select e.id, $1::text, e.phone, e.reason, $5::text, $6::timestamptz
     from unnest($2::text[], $3::text[], $4::text[]) as e(id, phone, reason) order by e.phone
     on conflict ${target} do update set reason = excluded.reason where s.reason is distinct from excluded.reason
       and excluded.reason is not null
     returning id`,
    [
      keyId,
      entries.map((entry) => entry.id),
      phones,
      entries.map((entry) => entry.reason),
      list.source,
      sqlInstant(now),
    ],
  );
  const ids = new Set(entries.map((entry) => entry.id));
  // Calls before recipients, as everywhere; then the calls of recipients that a claim had locked.
  await takeBackCalls(tx, keyId, phones, now);
  const settledCount = await settleSuppressedPhones(tx, keyId, phones, now);
  await takeBackCalls(tx, keyId, phones, now);
  return {
    addedCount: rows.filter((row) => ids.has(row.id)).length,
    settledCount,
  };
}

/** The entries that exactly this scope has of these phones, by phone. */
export async function readSuppressions(
  db: Queryable,
  keyId: string | null,
  phones: readonly E164[],
): Promise<readonly SuppressionRow[]> {
  const { rows } = await db.query<SuppressionRow>(
    `select ${COLUMNS} from suppressions where ${ofScope(keyId)} and phone = any($2) order by phone`,
    [keyId, phones],
  );
  return rows;
}

/** Suppresses one phone of a key, or of the installation. Idempotent as `addSuppressions`. */
export async function suppressPhone(
  tx: Queryable,
  suppression: NewSuppression & {
    readonly keyId: string | null;
    readonly source: SuppressionSource;
    readonly now: Instant;
  },
): Promise<void> {
  const { keyId, source, now, id, phone, reason } = suppression;
  await addSuppressions(tx, { keyId, source, now, entries: [{ id, phone, reason }] });
}

// A reservation is undone here, not left to the gate: a gate whose statement began before this
// transaction commits would not see the suppression, but it does see that the call is no longer
// reserved.
export async function takeBackCalls(
  tx: Queryable,
  keyId: string | null,
  phones: readonly string[],
  now: Instant,
): Promise<void> {
  const { rows } = await tx.query<{ id: string; recipient_id: number; status: string }>(
    `select id, recipient_id, status from calls
     where open and status in ('reserved', 'dialing') and to_number = any($1) and ($2::text is null or key_id = $2)
     order by id for update`,
    [phones, keyId],
  );
  const reserved = rows.filter((row) => row.status === "reserved");
  await requeueCalls(
    tx,
    reserved.map((row) => ({
      callId: row.id,
      recipientId: row.recipient_id,
      dueAt: now,
      closesDial: false,
    })),
    now,
  );
  for (const { id } of rows.filter((row) => row.status === "dialing")) {
    await requestEnd(tx, id, { how: "cancel", andThen: "requeue", now });
  }
}

/** Entries of exactly this scope, newest first. */
export async function listSuppressions(
  db: Queryable,
  keyId: string | null,
  filter: {
    readonly phone: E164 | null;
    /** Part of the reason, in any case. */
    readonly reason: string | null;
    readonly source: SuppressionSource | null;
    readonly limit: number;
    readonly offset: number;
  },
): Promise<readonly SuppressionRow[]> {
  const { rows } = await db.query<SuppressionRow>(
    `select ${COLUMNS} from suppressions
     where ${ofScope(keyId)} and ($2::text is null or phone = $2)
       and ($3::text is null or position(lower($3) in lower(reason)) > 0) and ($4::text is null or source = $4)
     order by created_at desc, id desc limit $5 offset $6`,
    [keyId, filter.phone, filter.reason, filter.source, filter.limit, filter.offset],
  );
  return rows;
}

/** Removes an entry of exactly this scope. Answers whether there was one. */
export async function removeSuppression(
  db: Queryable,
  keyId: string | null,
  id: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `delete from suppressions where ${ofScope(keyId)} and id = $2`,
    [keyId, id],
  );
  return rowCount === 1;
}

/**
 * What keeps a phone from being called for a key: its own entry, the installation's, or both. For
 * the installation (null) only its own.
 */
export async function findSuppressions(
  db: Queryable,
  keyId: string | null,
  phone: E164,
): Promise<readonly SuppressionRow[]> {
  const { rows } = await db.query<SuppressionRow>(
    `select ${COLUMNS} from suppressions where phone = $2 and (key_id = $1 or key_id is null)
     order by key_id nulls last`,
    [keyId, phone],
  );
  return rows;
}

// The parameter is named either way, so that the numbers after it stay.
function ofScope(keyId: string | null): string {
  return keyId === null ? "key_id is null and $1::text is null" : "key_id = $1";
}
