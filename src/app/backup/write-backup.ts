// `carillon backup`: everything in the database as it was in one instant, in one file, while
// servers run. Changes nothing, not even the schema.

import { createHash } from "node:crypto";
import type { Config } from "../config.ts";
import { readEncryptionKey } from "../encryption-key.ts";
import { reachStore } from "../open-store.ts";
import { packageVersion } from "../package-root.ts";
import { keyIdOf, readKeyId } from "../secret-box.ts";
import {
  writeBackupFile,
  type BackupHeader,
  type BackupRecord,
  type TableEnd,
} from "./backup-file.ts";
import { withSnapshot, type Snapshot } from "./snapshot.ts";
import { copyTarget, findSecret, listSequences, listTables } from "./table-catalog.ts";

export interface BackupSummary {
  readonly takenAt: number;
  readonly rows: number;
  readonly tables: readonly TableEnd[];
  /** The file cannot be used without the installation's encryption key, which is not in it. */
  readonly needsKey: boolean;
}

/** @throws Error with what to do: no database here, the file exists, the key is not at hand */
export async function writeBackup(
  config: Config,
  options: {
    readonly path: string;
    readonly withKey: boolean;
    readonly onNotice: (notice: string) => void;
  },
): Promise<BackupSummary> {
  const { onNotice } = options;
  const store = await reachStore(config, { onNotice, onLost: () => {}, mayShare: true });
  try {
    return await withSnapshot(store.connectionString, async (snapshot) => {
      const key = readEncryptionKey({
        explicit: config.get("CARILLON_ENCRYPTION_KEY"),
        dataDirectory: store.dataDirectory,
      });
      const header = await readHeader(snapshot, options.withKey ? key : null);
      if (options.withKey) checkKey(header, key);
      const ends: TableEnd[] = [];
      const onTable = (end: TableEnd): void => {
        ends.push(end);
        onNotice(`${end.name}: ${end.rows} rows`);
      };
      await writeBackupFile(options.path, recordsOf(snapshot, header, onTable));
      return {
        takenAt: header.takenAt,
        rows: ends.reduce((sum, end) => sum + end.rows, 0),
        tables: ends,
        needsKey: header.keyId !== null && header.encryptionKey === null,
      };
    });
  } finally {
    await store.stop();
  }
}

function checkKey(header: BackupHeader, key: Uint8Array | null): void {
  if (key !== null && (header.keyId === null || keyIdOf(key) === header.keyId)) return;
  throw new Error(
    "The encryption key that this database's secrets need is not here: set CARILLON_ENCRYPTION_KEY " +
      "as the servers have it, or leave out --with-key.",
  );
}

async function readHeader(snapshot: Snapshot, key: Uint8Array | null): Promise<BackupHeader> {
  const ask = snapshot.query.bind(snapshot);
  const [state] = await ask<{ at: number; exists: boolean }>(
    `select (extract(epoch from now()) * 1000)::float8 as at, to_regclass('schema_migrations') is not null as exists`,
  );
  if (state?.exists !== true) {
    throw new Error("There is no Carillon database here: nothing to back up.");
  }
  const migrations = await ask<{ name: string }>(
    "select name from schema_migrations order by number",
  );
  const secret = await findSecret(ask);
  return {
    carillonVersion: packageVersion(),
    takenAt: Math.floor(state.at),
    migrations: migrations.map((migration) => migration.name),
    keyId: secret === null ? null : readKeyId(secret),
    encryptionKey: key === null ? null : Buffer.from(key).toString("hex"),
    tables: (await listTables(ask)).map(({ name, columns }) => ({ name, columns: [...columns] })),
    sequences: [...(await listSequences(ask))],
  };
}

async function* recordsOf(
  snapshot: Snapshot,
  header: BackupHeader,
  onTable: (end: TableEnd) => void,
): AsyncGenerator<BackupRecord> {
  yield { kind: "header", header };
  for (const table of header.tables) {
    const hash = createHash("sha256");
    let rows = 0;
    for await (const bytes of snapshot.copyTo(`copy ${copyTarget(table)} to stdout`)) {
      hash.update(bytes);
      rows += countLines(bytes);
      yield { kind: "data", bytes };
    }
    const end = { name: table.name, rows, sha256: hash.digest("hex") };
    onTable(end);
    yield { kind: "table_end", table: end };
  }
  yield { kind: "end" };
}

// COPY's text has one line a row; a line break inside a value is written as two characters.
function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 0x0a) lines += 1;
  return lines;
}
