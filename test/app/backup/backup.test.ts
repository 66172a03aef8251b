// A backup holds everything, and a restore gives it back or leaves the database as it was.

import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { restoreBackup } from "../../../src/app/backup/restore-backup.ts";
import { listTables } from "../../../src/app/backup/table-catalog.ts";
import { writeBackup } from "../../../src/app/backup/write-backup.ts";
import { loadConfig, type Config } from "../../../src/app/config.ts";
import { readMigrationFiles } from "../../../src/app/migration-files.ts";
import { createSecretBox } from "../../../src/app/secret-box.ts";
import { systemRandom } from "../../../src/app/system-random.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../../support/test-database.ts";

const KEY = "ab".repeat(32);
const NOW = "2026-03-01T10:00:00.123456Z";
const MIGRATIONS = join(import.meta.dirname, "../../../migrations");

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "carillon-backup-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function database(isEmpty: boolean): Promise<TestDatabase> {
  const { db, drop } = await createTestDatabase({ isEmpty });
  onTestFinished(drop);
  return db;
}

function configFor(db: TestDatabase, more: Readonly<Record<string, string>> = {}): Config {
  const env = { DATABASE_URL: db.connectionString, CARILLON_ENCRYPTION_KEY: KEY, ...more };
  return loadConfig(env, () => null);
}

/** Without an encryption key, in a data directory of its own. */
function configWithoutKey(db: TestDatabase, dataDirectory: string): Config {
  const env = { DATABASE_URL: db.connectionString, CARILLON_DATA_DIR: dataDirectory };
  return loadConfig(env, () => null);
}

async function insertRows(db: TestDatabase): Promise<void> {
  const token = createSecretBox(Buffer.from(KEY, "hex"), systemRandom).encrypt("token");
  await db.query(
    `insert into api_keys (id, name, secret_hash, concurrent_call_limit, allowed_countries, created_at)
     values ('key_1', E'tab\\t line\\n back\\\\slash \u{1F514}', '\\x00ff', 5, '{GB,"a,b"}', $1)`,
    [NOW],
  );
  await db.query(
    `insert into agents (id, uuid, key_id, name, is_active, settings, created_at, updated_at)
     values ('agent_1', gen_random_uuid(), 'key_1', 'A', true, '{"a": [1, null, "x"]}', $1, $1)`,
    [NOW],
  );
  await db.query(
    `insert into carrier_accounts (id, carrier_account_id, auth_token_encrypted, account_type, calls_per_second,
       next_dial_at, proven_at, created_at) values ('acct_1', 'AC1', $2, 'full', 0.1, $1, $1, $1)`,
    [NOW, token],
  );
  await db.query(
    `insert into phone_numbers (id, phone, key_id, agent_id, account_id, settings, created_at, updated_at)
     values ('num_1', '+12025550100', 'key_1', 'agent_1', 'acct_1', '{}', $1, $1)`,
    [NOW],
  );
  await db.query(
    `insert into campaigns (id, key_id, agent_id, phone_number_id, from_number, prompt, status, schedule_type, timezone,
       zone_data_version, opens_at, closes_at, recipients_count, invalid_count, created_at)
     values ('batchcall_1', 'key_1', 'agent_1', 'num_1', '+12025550100', 'Hello.', 'running', 'now', 'UTC', 'x', $1,
       'infinity', 1000, 0, $1)`,
    [NOW],
  );
  await db.query(
    `insert into recipients (campaign_id, key_id, row_index, phone, variables, due_at)
     select 'batchcall_1', 'key_1', n, '+12025550101', '{"name": "Ann"}', $1 from generate_series(1, 1000) n`,
    [NOW],
  );
  await db.query(
    `insert into idempotency_keys (key_id, idempotency_key, request_hash, response_status, created_at, expires_at,
       locked_until) values ('key_1', 'done', '\\x00', 201, $1, $1, $1), ('key_1', 'in work', '\\x00', null, $1, $1, $1)`,
    [NOW],
  );
}

async function filled(): Promise<TestDatabase> {
  const db = await database(false);
  await insertRows(db);
  return db;
}

/** Every row of every table as text, less what a restore is meant to change. */
async function contents(db: TestDatabase): Promise<Record<string, unknown>> {
  const ask = async (text: string, values?: readonly unknown[]) =>
    (await db.query(text, values)).rows as never;
  const tables: Record<string, unknown> = {};
  for (const { name } of await listTables(ask)) {
    const { rows } = await db.query(
      `select (to_jsonb(t) - 'proven_at' - 'reconcile_since' - 'reconcile_due_at' - 'backup_taken_at' - 'restored_at'
         - 'last_restored_recipient')::text as row from ${name} t order by 1`,
    );
    tables[name] = rows;
  }
  return tables;
}

async function tablesOf(db: TestDatabase): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    "select count(*) as n from pg_class where relnamespace = 'public'::regnamespace",
  );
  return rows[0]?.n ?? 0;
}

const quiet = { onNotice: () => {}, stopDialing: false, withKey: false };

test("what was backed up is what is restored, and the schema goes on from there", async () => {
  const source = await filled();
  const path = join(directory(), "one.backup");
  const summary = await writeBackup(configFor(source), { ...quiet, path });
  expect(summary.needsKey).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);

  const target = await database(true);
  const restored = await restoreBackup(configFor(target), { ...quiet, path });
  expect(restored).toMatchObject({ takenAt: summary.takenAt, rows: summary.rows });
  await source.query("delete from idempotency_keys where response_status is null");
  expect(await contents(target)).toEqual(await contents(source));
  const { rows } = await target.query(
    `select proven_at, reconcile_since, (select last_restored_recipient from installation) as last,
       (select dialing_stopped_at from installation) as stopped from carrier_accounts`,
  );
  expect(rows).toEqual([
    { proven_at: null, reconcile_since: summary.takenAt - 60_000, last: 1_000, stopped: null },
  ]);
  // Numbers that were given out are not given out again.
  const next = await target.query<{ id: number }>(
    `insert into recipients (key_id, row_index, phone, variables, due_at) values ('key_1', 0, '+1', '{}', $1) returning id`,
    [NOW],
  );
  expect(next.rows[0]?.id).toBe(1_001);
});

test("a backup of an older schema is brought forward", async () => {
  const source = await database(true);
  const migrations = await readMigrationFiles(MIGRATIONS);
  await migrate(source, migrations.slice(0, 1), 0);
  await insertRows(source);
  const path = join(directory(), "old.backup");
  await writeBackup(configFor(source), { ...quiet, path });
  const target = await database(true);
  await restoreBackup(configFor(target), { ...quiet, path });
  const { rows } = await target.query("select max(number) as newest from schema_migrations");
  expect(rows).toEqual([{ newest: migrations.length }]);
  const counted = await target.query("select count(*) as n from recipients");
  expect(counted.rows).toEqual([{ n: 1_000 }]);
});

test("a file that exists is not overwritten, and no draft stays behind", async () => {
  const source = await filled();
  const path = join(directory(), "kept");
  writeFileSync(path, "mine");
  await expect(writeBackup(configFor(source), { ...quiet, path })).rejects.toThrow(
    "exists already",
  );
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect(() => statSync(`${path}.partial`)).toThrow("ENOENT");
});

test("a database that is not empty is not touched", async () => {
  const source = await filled();
  const path = join(directory(), "one.backup");
  await writeBackup(configFor(source), { ...quiet, path });
  const before = await contents(source);
  await expect(restoreBackup(configFor(source), { ...quiet, path })).rejects.toThrow("not empty");
  expect(await contents(source)).toEqual(before);
});

test.each([
  ["cut short", (path: string) => truncateSync(path, statSync(path).size - 200)],
  [
    "changed",
    (path: string) => {
      const bytes = readFileSync(path);
      const middle = Math.floor(bytes.length / 2);
      bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
      writeFileSync(path, bytes);
    },
  ],
] as const)("nothing of a file that was %s is used", async (_how, damage) => {
  const source = await filled();
  const path = join(directory(), "one.backup");
  await writeBackup(configFor(source), { ...quiet, path });
  damage(path);
  const target = await database(true);
  await expect(restoreBackup(configFor(target), { ...quiet, path })).rejects.toThrow("damaged");
  expect(await tablesOf(target)).toBe(0);
});

test("a file that is no backup, and one that is not there, are told apart", async () => {
  const target = await database(true);
  const path = join(directory(), "some.txt");
  const restore = () => restoreBackup(configFor(target), { ...quiet, path });
  await expect(restore()).rejects.toThrow("There is no file");
  writeFileSync(path, "-- PostgreSQL database dump");
  await expect(restore()).rejects.toThrow("is not a backup");
});

test("secrets that nobody could read are not restored", async () => {
  const source = await filled();
  const path = join(directory(), "one.backup");
  await writeBackup(configFor(source), { ...quiet, path });
  const target = await database(true);
  const other = configFor(target, { CARILLON_ENCRYPTION_KEY: "cd".repeat(32) });
  await expect(restoreBackup(other, { ...quiet, path })).rejects.toThrow("is not the one");
  const none = configWithoutKey(target, directory());
  await expect(restoreBackup(none, { ...quiet, path })).rejects.toThrow("there is no key here");
  expect(await tablesOf(target)).toBe(0);
});

test("a backup with its key brings it along", async () => {
  const source = await filled();
  const path = join(directory(), "one.backup");
  const summary = await writeBackup(configFor(source), { ...quiet, path, withKey: true });
  expect(summary.needsKey).toBe(false);
  const target = await database(true);
  const place = directory();
  await restoreBackup(configWithoutKey(target, place), { ...quiet, path });
  expect(readFileSync(join(place, "encryption.key"), "utf8").trim()).toBe(KEY);
  expect(statSync(join(place, "encryption.key")).mode & 0o777).toBe(0o600);
});

test("dialing can be stopped with the restore", async () => {
  const source = await filled();
  const path = join(directory(), "one.backup");
  await writeBackup(configFor(source), { ...quiet, path });
  const target = await database(true);
  await restoreBackup(configFor(target), { ...quiet, path, stopDialing: true });
  const { rows } = await target.query("select dialing_stop_reason as reason from installation");
  expect(rows).toEqual([{ reason: "restored from a backup" }]);
});
