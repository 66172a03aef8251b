// API keys and their slots. A key's limit is its slot rows: the functions here keep exactly as many
// as the limit says, and never take one away from a call that holds it.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** What every authenticated request needs of its key. */
export interface KeyAccess extends Row {
  readonly id: string;
  readonly secretHash: Uint8Array;
  readonly concurrentCallLimit: number;
  readonly allowedCountries: readonly string[] | null;
}

/**
 * A key that may be used; null: unknown or revoked. Read at every request, so that a revocation
 * counts at once.
 */
export async function findKeyAccess(db: Queryable, keyId: string): Promise<KeyAccess | null> {
  const { rows } = await db.query<KeyAccess>(
    `select id, secret_hash as "secretHash", concurrent_call_limit as "concurrentCallLimit",
       allowed_countries as "allowedCountries"
     from api_keys where id = $1 and revoked_at is null`,
    [keyId],
  );
  return rows[0] ?? null;
}

/** Calls to one phone in each rolling period; null: no cap. See capped_until in migrations/0002. */
export interface RecipientCaps {
  readonly per_24_hours: number | null;
  readonly per_7_days: number | null;
  readonly per_30_days: number | null;
}

export interface ApiKeyRow extends Row {
  readonly id: string;
  readonly name: string | null;
  readonly concurrentCallLimit: number;
  readonly allowedCountries: readonly string[] | null;
  readonly maxCallsPerDay: number | null;
  readonly maxCallsPerRecipient: RecipientCaps | null;
  readonly createdAt: Instant;
  readonly rotatedAt: Instant | null;
  readonly revokedAt: Instant | null;
}

const COLUMNS = `id, name, concurrent_call_limit as "concurrentCallLimit", allowed_countries as "allowedCountries",
  max_calls_per_day as "maxCallsPerDay", max_calls_per_recipient as "maxCallsPerRecipient",
  created_at as "createdAt", rotated_at as "rotatedAt", revoked_at as "revokedAt"`;

export interface NewApiKey {
  readonly id: string;
  readonly name: string | null;
  readonly secretHash: Uint8Array;
  readonly concurrentCallLimit: number;
  readonly allowedCountries: readonly string[] | null;
  readonly maxCallsPerDay: number | null;
  readonly maxCallsPerRecipient: RecipientCaps | null;
  readonly createdAt: Instant;
}

/** Writes a key with its slots, in one statement. */
export async function createApiKey(db: Queryable, key: NewApiKey): Promise<ApiKeyRow> {
  const { rows } = await db.query<ApiKeyRow>(
    `with made as (
       insert into api_keys
         (id, name, secret_hash, concurrent_call_limit, allowed_countries, max_calls_per_day, created_at,
          max_calls_per_recipient)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning *),
     slot as (insert into slots (key_id, number) select made.id, n from made, generate_series(1, $4::int) n)
     select ${COLUMNS} from made`,
    [
      key.id,
      key.name,
      key.secretHash,
      key.concurrentCallLimit,
      key.allowedCountries,
      key.maxCallsPerDay,
      sqlInstant(key.createdAt),
      capsText(key.maxCallsPerRecipient),
    ],
  );
  const made = rows[0];
  if (made === undefined) throw new Error("an insert returned no row");
  return made;
}

function capsText(caps: RecipientCaps | null): string | null {
  return caps === null ? null : JSON.stringify(caps);
}

/** Newest first. */
export async function listApiKeys(db: Queryable): Promise<readonly ApiKeyRow[]> {
  const { rows } = await db.query<ApiKeyRow>(
    `select ${COLUMNS} from api_keys order by created_at desc, id desc limit 10000`,
  );
  return rows;
}

export interface ApiKeyChange {
  readonly name?: string | null;
  readonly concurrentCallLimit?: number;
  readonly allowedCountries?: readonly string[] | null;
  readonly maxCallsPerDay?: number | null;
  readonly maxCallsPerRecipient?: RecipientCaps | null;
}

/** Changes a key and its slots in one transaction; null: no such key. Absent fields stay. */
export async function updateApiKey(
  tx: Queryable,
  keyId: string,
  change: ApiKeyChange,
): Promise<ApiKeyRow | null> {
  const { rows: locked } = await tx.query<ApiKeyRow>(
    `select ${COLUMNS} from api_keys where id = $1 for no key update`,
    [keyId],
  );
  const before = locked[0];
  if (before === undefined) return null;
  const after = { ...before, ...change };
  await tx.query(
    `update api_keys set name = $2, concurrent_call_limit = $3, allowed_countries = $4, max_calls_per_day = $5,
       max_calls_per_recipient = $6
     where id = $1`,
    [
      keyId,
      after.name,
      after.concurrentCallLimit,
      after.allowedCountries,
      after.maxCallsPerDay,
      capsText(after.maxCallsPerRecipient),
    ],
  );
  await fitSlots(tx, keyId, after.concurrentCallLimit);
  return after;
}

/**
 * Makes the slots fit a limit. Lowering deletes free slots and marks held ones retiring for the
 * rest; raising takes marks back before it adds slots. The caller holds the key's row lock.
 */
async function fitSlots(tx: Queryable, keyId: string, limit: number): Promise<void> {
  // Locked in an earlier statement than they are counted in, so that no slot is taken in between.
  await tx.query("select from slots where key_id = $1 order by number for update", [keyId]);
  // Too many: free ones go first (a retiring slot is always held), then held ones are marked.
  await tx.query(
    `delete from slots where key_id = $1 and number in (
       select number from slots where key_id = $1 and call_id is null order by number desc
       limit greatest(0, (select count(*) from slots where key_id = $1 and not retiring) - $2))`,
    [keyId, limit],
  );
  await tx.query(
    `update slots set retiring = true where key_id = $1 and number in (
       select number from slots where key_id = $1 and not retiring order by number desc
       limit greatest(0, (select count(*) from slots where key_id = $1 and not retiring) - $2))`,
    [keyId, limit],
  );
  // Too few: marks are taken back first, then the lowest missing numbers are added.
  await tx.query(
    `update slots set retiring = false where key_id = $1 and number in (
       select number from slots where key_id = $1 and retiring order by number
       limit greatest(0, $2 - (select count(*) from slots where key_id = $1 and not retiring)))`,
    [keyId, limit],
  );
  await tx.query(
    `insert into slots (key_id, number)
     select $1, n from generate_series(1, $2 + (select count(*) from slots where key_id = $1)) n
     where not exists (select from slots where key_id = $1 and number = n)
     order by n limit greatest(0, $2 - (select count(*) from slots where key_id = $1 and not retiring))`,
    [keyId, limit],
  );
}

/**
 * Replaces the secret of a living key, only while it is still the one the caller showed. Answers
 * whether it did.
 */
export async function rotateApiKey(
  db: Queryable,
  key: {
    readonly id: string;
    readonly oldHash: Uint8Array;
    readonly newHash: Uint8Array;
    readonly now: Instant;
  },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update api_keys set secret_hash = $3, rotated_at = $4
     where id = $1 and secret_hash = $2 and revoked_at is null`,
    [key.id, key.oldHash, key.newHash, sqlInstant(key.now)],
  );
  return rowCount === 1;
}

/** The operator's rotation of a key whose secret was lost; null: unknown or revoked. */
export async function replaceApiKeySecret(
  db: Queryable,
  keyId: string,
  newHash: Uint8Array,
  now: Instant,
): Promise<ApiKeyRow | null> {
  const { rows } = await db.query<ApiKeyRow>(
    `update api_keys set secret_hash = $2, rotated_at = $3 where id = $1 and revoked_at is null returning ${COLUMNS}`,
    [keyId, newHash, sqlInstant(now)],
  );
  return rows[0] ?? null;
}

/** Revokes a key; a revoked one keeps its first instant. Answers it; null: no such key. */
export async function revokeApiKey(
  db: Queryable,
  keyId: string,
  now: Instant,
): Promise<Instant | null> {
  const { rows } = await db.query<{ revokedAt: Instant }>(
    `update api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1 returning revoked_at as "revokedAt"`,
    [keyId, sqlInstant(now)],
  );
  return rows[0]?.revokedAt ?? null;
}
