// A PostgreSQL of its own that is gone when its run is over, also when the run was cut short, with
// the migrated template that databases are cloned from.

import { readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../src/app/database.ts";
import { startEmbeddedPostgres } from "../../src/app/embedded-postgres.ts";
import { readMigrationFiles } from "../../src/app/migration-files.ts";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import { migrate } from "../../src/store/migrate.ts";
import { TEMPLATE_DATABASE, withDatabase } from "./database-urls.ts";

const DIRECTORY_PREFIX = "carillon-test-";
const MIGRATIONS = join(import.meta.dirname, "../../migrations");
const TEMPLATE_MIGRATED_AT = Date.UTC(2026, 0, 1);

const STOP_POLL_MS = 20;
// Two seconds; an immediate shutdown takes tens of milliseconds.
const MAX_STOP_POLLS = 100;

// These tests lose nothing when the machine loses power; tests about crashes start a cluster of
// their own, with fsync.
const CARELESS_SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "300",
  max_wal_size: "512MB",
};

/** Where Linux keeps files in memory. */
const MEMORY_DIRECTORY = "/dev/shm";
/** A whole run of the tests takes about a quarter of a GiB. */
const MIN_MEMORY_BYTES = 2 * 1024 ** 3;

export interface TemporaryCluster {
  /** URL of a database that nobody uses for data. */
  readonly url: string;
  stop(): Promise<void>;
}

/** `settings` are the server's own, over those for data that may be lost. */
export async function startTemporaryCluster(
  settings: Readonly<Record<string, string>> = {},
): Promise<TemporaryCluster> {
  removeLeftovers();
  const parent = directories().at(-1);
  const directory = makeTemporaryDataDirectory(`${DIRECTORY_PREFIX}${process.pid}-`, parent);
  const postgres = await startEmbeddedPostgres({
    dataDirectory: directory,
    isDefaultDirectory: false,
    binariesDirectory: null,
    settings: { ...CARELESS_SETTINGS, ...settings },
    onNotice: (notice) => console.error(`test database: ${notice}`),
    onLost: (error) => console.error("test database lost:", error),
  });
  // A run that is cut short (a signal, a crash of the runner) must not leave its server behind.
  const cut = (): void => {
    killServer(directory);
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
  process.once("exit", cut);
  await makeTemplate(postgres.connectionString);
  return {
    url: postgres.connectionString,
    stop: async () => {
      process.off("exit", cut);
      await postgres.stop();
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/**
 * The system's temporary directory, and one in memory if there is room: a database is some four
 * hundred files, whose making costs a third of a second on some disks and nothing there.
 */
function directories(): readonly string[] {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_DIRECTORY);
    if (bavail * bsize >= MIN_MEMORY_BYTES) return [tmpdir(), MEMORY_DIRECTORY];
  } catch {
    // Not on this system.
  }
  return [tmpdir()];
}

async function makeTemplate(clusterUrl: string): Promise<void> {
  const cluster = await openDatabase({ connectionString: clusterUrl, maxConnections: 1 });
  await cluster.query(`create database ${TEMPLATE_DATABASE}`);
  await cluster.close();
  const template = await openDatabase({
    connectionString: withDatabase(clusterUrl, TEMPLATE_DATABASE),
    maxConnections: 1,
    statementTimeoutMs: 0,
  });
  await migrate(template, await readMigrationFiles(MIGRATIONS), TEMPLATE_MIGRATED_AT);
  await template.close();
}

/** Clusters of runs that were killed outright: their server may still be up. */
function removeLeftovers(): void {
  for (const parent of directories()) {
    for (const name of readdirSync(parent)) {
      if (!name.startsWith(DIRECTORY_PREFIX)) continue;
      const pid = Number.parseInt(name.slice(DIRECTORY_PREFIX.length), 10);
      if (isAlive(pid)) continue;
      killServer(join(parent, name));
      rmSync(join(parent, name), { recursive: true, force: true, maxRetries: 10 });
    }
  }
}

/**
 * Stops the server at once and waits until it is gone: it would write into what is being removed.
 */
function killServer(directory: string): void {
  let pid: number;
  try {
    const file = join(directory, "postgres", "cluster", "postmaster.pid");
    pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    process.kill(pid, "SIGQUIT");
  } catch {
    return;
  }
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let polls = 0; polls < MAX_STOP_POLLS && isAlive(pid); polls++) {
    // Blocking, because a process that is exiting runs nothing asynchronous any more.
    Atomics.wait(pause, 0, 0, STOP_POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
