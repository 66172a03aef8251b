// `carillon restore`: a backup into an empty new database, in one transaction: a process killed at
// any moment leaves nothing half restored. The schema is brought to the backup's version, filled,
// checked, and then brought forward. A restored database dials nobody before the carrier was asked
// what happened since (src/engine/reconcile-restored.ts).

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Queryable } from "../../ports/database.ts";
import { stopDialing } from "../../store/installation.ts";
import { migrateIn, type Migration } from "../../store/migrate.ts";
import { markRestored } from "../../store/restored-accounts.ts";
import type { Config } from "../config.ts";
import { openDatabase, type OpenDatabase } from "../database.ts";
import { keepEncryptionKey, readEncryptionKey } from "../encryption-key.ts";
import { readMigrationFiles } from "../migration-files.ts";
import { reachStore, type Store } from "../open-store.ts";
import { packageRoot } from "../package-root.ts";
import { keyIdOf, parseEncryptionKey } from "../secret-box.ts";
import { readBackupFile, type BackupHeader, type BackupRecord } from "./backup-file.ts";
import { copyTarget, listTables, quoteName } from "./table-catalog.ts";

/**
 * Calls that the carrier took this long before the backup are looked at too: its clock and the
 * database's may differ. Calls of that minute which the backup knows are told by their ids.
 */
const CLOCKS_MARGIN_MS = 60_000;

export interface RestoreOptions {
  readonly path: string;
  /** All dialing is stopped until the operator resumes it. */
  readonly stopDialing: boolean;
  readonly onNotice: (notice: string) => void;
}

export interface RestoreSummary {
  readonly takenAt: number;
  readonly rows: number;
  readonly storeDescription: string;
  readonly campaignsUnderWay: number;
}

/** @throws Error with what to do: not empty, damaged, a newer schema, another encryption key */
export async function restoreBackup(
  config: Config,
  options: RestoreOptions,
): Promise<RestoreSummary> {
  const header = await readHeader(options.path);
  const migrations = await readMigrationFiles(join(packageRoot(), "migrations"));
  checkMigrations(header, migrations);
  const store = await reachStore(config, { onNotice: options.onNotice, onLost: () => {} });
  try {
    const database = await openDatabase({
      connectionString: store.connectionString,
      maxConnections: 1,
      applicationName: "carillon restore",
      statementTimeoutMs: 0,
    });
    try {
      await checkEmpty(database);
      provideKey(config, store, header, options.onNotice);
      const summary = await load(database, { header, migrations, options });
      await database.query("analyze");
      return { ...summary, storeDescription: store.description };
    } finally {
      await database.close();
    }
  } finally {
    await store.stop();
  }
}

async function readHeader(path: string): Promise<BackupHeader> {
  for await (const record of readBackupFile(path)) {
    if (record.kind === "header") return record.header;
    break;
  }
  throw new Error(`${path} does not begin like a backup.`);
}

function checkMigrations(header: BackupHeader, known: readonly Migration[]): void {
  if (header.migrations.every((name, index) => known[index]?.name === name)) return;
  throw new Error(
    `The backup was made by Carillon ${header.carillonVersion}, whose schema this version does not ` +
      "know. Restore it with that version or a newer one.",
  );
}

async function checkEmpty(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     order by 1 limit 1`,
  );
  if (rows.length === 0) return;
  throw new Error(
    `The database is not empty (it has ${rows[0]?.name ?? "tables"}). A backup is restored into a new ` +
      "one only: name a new CARILLON_DATA_DIR, or a new database in DATABASE_URL.",
  );
}

/**
 * The key that the backup's secrets need must be here before they are.
 * @throws Error when it is not, or is another one
 */
function provideKey(
  config: Config,
  store: Store,
  header: BackupHeader,
  onNotice: (notice: string) => void,
): void {
  const { dataDirectory } = store;
  const explicit = config.get("CARILLON_ENCRYPTION_KEY");
  const here = readEncryptionKey({ explicit, dataDirectory });
  const own = header.encryptionKey === null ? null : parseEncryptionKey(header.encryptionKey);
  if (here === null && own !== null) {
    const path = keepEncryptionKey(dataDirectory, own);
    onNotice(`The backup's encryption key is now in ${path}.`);
    return;
  }
  if (header.keyId === null) return;
  if (here !== null && keyIdOf(here) === header.keyId) return;
  const state =
    here === null
      ? "The backup's carrier tokens are encrypted, and there is no key here to read them."
      : "The encryption key here is not the one that the backup's carrier tokens need.";
  throw new Error(
    `${state} Copy encryption.key from the data directory of the old server into ${dataDirectory}, ` +
      "or set CARILLON_ENCRYPTION_KEY as it was there. (A backup made with --with-key brings it.)",
  );
}

interface Load {
  readonly header: BackupHeader;
  readonly migrations: readonly Migration[];
  readonly options: RestoreOptions;
}

function load(
  database: OpenDatabase,
  { header, migrations, options }: Load,
): Promise<Omit<RestoreSummary, "storeDescription">> {
  return database.transaction(async (tx) => {
    const now = Date.now();
    await migrateIn(tx, migrations.slice(0, header.migrations.length), now);
    const tables = await checkTables(tx, header);
    await tx.query(`truncate ${tables.join(", ")}`);
    const rows = await fill(tx, header, options);
    await setSequences(tx, header);
    await migrateIn(tx, migrations, now);
    await markRestored(tx, { takenAt: header.takenAt, marginMs: CLOCKS_MARGIN_MS, now });
    if (options.stopDialing) await stopDialing(tx, now, "restored from a backup");
    const live = await tx.query<{ n: number }>(
      "select count(*) as n from campaigns where status in ('scheduled', 'running')",
    );
    return { takenAt: header.takenAt, rows, campaignsUnderWay: live.rows[0]?.n ?? 0 };
  });
}

/** The tables of this schema, quoted; those of the backup must be exactly these. */
async function checkTables(tx: Queryable, header: BackupHeader): Promise<readonly string[]> {
  const here = await listTables(
    async (text, values) => (await tx.query(text, values)).rows as never,
  );
  const shape = (
    tables: readonly { readonly name: string; readonly columns: readonly string[] }[],
  ) =>
    JSON.stringify(
      tables.map(({ name, columns }) => [name, ...columns.toSorted()].join(" ")).toSorted(),
    );
  if (shape(here) !== shape(header.tables)) {
    throw new Error("The backup's tables are not those of its schema: the file is damaged.");
  }
  return here.map((table) => quoteName(table.name));
}

async function fill(tx: Queryable, header: BackupHeader, options: RestoreOptions): Promise<number> {
  const records = readBackupFile(options.path);
  try {
    // The header, which was read before.
    await records.next();
    let total = 0;
    for (const table of header.tables) {
      const part = partOf(records, table.name);
      const written = await tx.copyFrom(`copy ${copyTarget(table)} from stdin`, part.chunks());
      const { rows, sha256 } = part.end();
      if (rows !== written || sha256 !== part.sha256()) {
        throw new Error(`${options.path} is damaged: the checksum of ${table.name} does not fit.`);
      }
      total += rows;
      options.onNotice(`${table.name}: ${rows} rows`);
    }
    const last = await records.next();
    if ((last.value as BackupRecord | undefined)?.kind !== "end")
      throw new Error(`${options.path} goes on after its tables.`);
    return total;
  } finally {
    await records.return(undefined);
  }
}

function partOf(records: AsyncGenerator<BackupRecord>, name: string) {
  const hash = createHash("sha256");
  let end: { readonly rows: number; readonly sha256: string } | null = null;
  return {
    async *chunks(): AsyncGenerator<Uint8Array> {
      for (;;) {
        const next = await records.next();
        const record = next.value as BackupRecord | undefined;
        if (record?.kind === "table_end" && record.table.name === name) {
          end = record.table;
          return;
        }
        if (record?.kind !== "data") throw new Error(`the data of ${name} is not whole`);
        hash.update(record.bytes);
        yield record.bytes;
      }
    },
    end: () => {
      if (end === null) throw new Error(`the data of ${name} is not whole`);
      return end;
    },
    sha256: () => hash.digest("hex"),
  };
}

async function setSequences(tx: Queryable, header: BackupHeader): Promise<void> {
  for (const { table, column, last } of header.sequences) {
    const [from, of] = [quoteName(table), quoteName(column)];
    await tx.query(
      `select setval(pg_get_serial_sequence($1, $2), greatest($3, (select max(${of}) from ${from})))`,
      [from, column, last],
    );
  }
}
