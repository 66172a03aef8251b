// Brings the schema forward, one numbered migration after the other. Each runs in the transaction
// that also records its number, so a process killed at any moment leaves whole migrations only.
// There is no way back: the only undo is a backup. A schema that is newer than this program is
// refused, never used.

import type { Instant } from "../domain/instant.ts";
import type { Database, Queryable } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** One file of the migrations folder. */
export interface Migration {
  /** From 1, without gaps. */
  readonly number: number;
  readonly name: string;
  /** Any number of statements, none of which ends the transaction. */
  readonly sql: string;
}

interface AppliedMigration {
  readonly number: number;
  readonly name: string;
}

// Any fixed number that no other user of the database is likely to take: "CARILLON" in ASCII, cut
// to a bigint.
const MIGRATION_LOCK = 0x434152494c4cn;

/**
 * Applies every migration that the database lacks, in order. Any number of processes may call this
 * at once; each migration is applied by one of them. Call it with a database opened without
 * statement time-out.
 * @param now recorded as the time of application
 * @throws Error when the schema is newer than the code, or came from other migrations than these
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[],
  now: Instant,
): Promise<{ readonly applied: readonly number[] }> {
  assertNumbering(migrations);
  const applied: number[] = [];
  for (;;) {
    const number = await db.transaction((tx) => applyNext(tx, migrations, now));
    if (number === null) return { applied };
    applied.push(number);
  }
}

/**
 * The same inside a transaction that is already open: all of them, or none.
 * @throws as `migrate` does
 */
export async function migrateIn(
  tx: Queryable,
  migrations: readonly Migration[],
  now: Instant,
): Promise<void> {
  assertNumbering(migrations);
  while ((await applyNext(tx, migrations, now)) !== null);
}

/** What is applied and what is missing, without changing anything. For `carillon doctor`. */
export async function readSchemaState(
  db: Queryable,
  migrations: readonly Migration[],
): Promise<{ readonly current: number; readonly latest: number }> {
  assertNumbering(migrations);
  const table = await db.query("select to_regclass('schema_migrations') is not null as exists");
  const done = table.rows[0]?.["exists"] === true ? await listApplied(db) : [];
  return { current: done.at(-1)?.number ?? 0, latest: migrations.length };
}

async function applyNext(
  tx: Queryable,
  migrations: readonly Migration[],
  now: Instant,
): Promise<number | null> {
  // A statement of its own: the ones that follow take their snapshot after the lock is held.
  await tx.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK.toString()]);
  await tx.query(
    `create table if not exists schema_migrations (
       number int primary key,
       name text not null,
       applied_at timestamptz not null
     )`,
  );
  const done = await listApplied(tx);
  refuseForeignSchema(done, migrations);
  const next = migrations[done.length];
  if (next === undefined) return null;
  await tx.query(next.sql);
  await tx.query("insert into schema_migrations (number, name, applied_at) values ($1, $2, $3)", [
    next.number,
    next.name,
    sqlInstant(now),
  ]);
  return next.number;
}

async function listApplied(tx: Queryable): Promise<readonly AppliedMigration[]> {
  const { rows } = await tx.query<{ number: number; name: string }>(
    "select number, name from schema_migrations order by number",
  );
  return rows;
}

function refuseForeignSchema(
  done: readonly AppliedMigration[],
  migrations: readonly Migration[],
): void {
  const newest = done.at(-1)?.number ?? 0;
  if (newest > migrations.length) {
    throw new Error(
      `The database has schema ${newest}, this Carillon knows ${migrations.length}. ` +
        "Start the newer version that made it, or restore the backup taken before the update.",
    );
  }
  done.forEach((applied, index) => {
    const known = migrations[index];
    if (known?.number === applied.number && known.name === applied.name) return;
    throw new Error(
      `The database was migrated by another program: it has migration ${applied.number} ` +
        `"${applied.name}" ` +
        `where this Carillon has ${known?.number ?? "none"} "${known?.name ?? ""}". Use another ` +
        "database.",
    );
  });
}

function assertNumbering(migrations: readonly Migration[]): void {
  migrations.forEach((migration, index) => {
    if (migration.number !== index + 1) {
      throw new Error(
        `Migration ${migration.number} "${migration.name}" stands where number ${index + 1} ` +
          "belongs.",
      );
    }
  });
}
