// From the settings to a migrated database: the embedded one, or the server that DATABASE_URL
// names. The first process to come migrates; nobody works on a schema that is newer than the code.

import { join } from "node:path";
import type { Database } from "../ports/database.ts";
import { migrate } from "../store/migrate.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./database.ts";
import { DATABASE_NAME, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { DataDirectoryInUse } from "./embedded-postgres-owner.ts";
import { readMigrationFiles } from "./migration-files.ts";
import { packageRoot } from "./package-root.ts";

export interface Store {
  readonly connectionString: string;
  /** Where files beside the database go: the encryption key. */
  readonly dataDirectory: string;
  /** For people: "embedded PostgreSQL 18.4 in ./data" or "the server DATABASE_URL names". */
  readonly description: string;
  stop(): Promise<void>;
}

export interface OpenStoreOptions {
  readonly onNotice: (notice: string) => void;
  readonly onLost: (error: Error) => void;
  /** A short errand beside a running server: use its database instead of refusing. */
  readonly mayShare?: boolean;
}

/** @throws Error with what to do, in words for an operator */
export async function openStore(config: Config, options: OpenStoreOptions): Promise<Store> {
  const store = await reachStore(config, options);
  try {
    await migrateStore(store.connectionString);
    return store;
  } catch (error) {
    await store.stop();
    throw error;
  }
}

/**
 * The same without touching the schema.
 * @throws Error with what to do
 */
export async function reachStore(config: Config, options: OpenStoreOptions): Promise<Store> {
  const dataDirectory = config.require("CARILLON_DATA_DIR");
  const url = config.get("DATABASE_URL");
  if (url !== null) {
    return {
      connectionString: url,
      dataDirectory,
      description: "the PostgreSQL server that DATABASE_URL names",
      stop: () => Promise.resolve(),
    };
  }
  try {
    const server = await startEmbeddedPostgres({
      dataDirectory,
      isDefaultDirectory: config.source("CARILLON_DATA_DIR") === "default",
      binariesDirectory: config.get("CARILLON_PG_BINARIES"),
      onNotice: options.onNotice,
      onLost: options.onLost,
    });
    return {
      connectionString: server.connectionString,
      dataDirectory: server.dataDirectory,
      description: `embedded PostgreSQL ${server.version} in ${server.dataDirectory}`,
      stop: () => server.stop(),
    };
  } catch (error) {
    if (options.mayShare !== true || !(error instanceof DataDirectoryInUse)) throw error;
    return {
      connectionString: error.address(DATABASE_NAME),
      dataDirectory: error.dataDirectory,
      description: `the embedded PostgreSQL of the running server in ${error.dataDirectory}`,
      stop: () => Promise.resolve(),
    };
  }
}

async function migrateStore(connectionString: string): Promise<void> {
  const database = await openDatabase({
    connectionString,
    maxConnections: 1,
    applicationName: "carillon migrate",
    // A migration may rewrite a large table.
    statementTimeoutMs: 0,
  });
  try {
    await migrate(
      database,
      await readMigrationFiles(join(packageRoot(), "migrations")),
      Date.now(),
    );
  } finally {
    await database.close();
  }
}

/** Opens the store for one errand, and closes it again whatever happens. */
export async function withStore<T>(
  config: Config,
  onNotice: (notice: string) => void,
  errand: (database: Database, store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(config, { onNotice, onLost: () => {}, mayShare: true });
  try {
    const database = await openDatabase({
      connectionString: store.connectionString,
      maxConnections: 2,
      applicationName: "carillon command",
    });
    try {
      return await errand(database, store);
    } finally {
      await database.close();
    }
  } finally {
    await store.stop();
  }
}
