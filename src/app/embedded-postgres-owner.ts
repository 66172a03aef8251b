// One Carillon per data directory. The claim is an advisory lock held by a session of its own, the
// one lock of that kind in the product: the server itself lets go of it when our process dies,
// however it dies, and no file is left behind that a person would have to delete.

import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { SUPERUSER } from "./embedded-postgres-cluster.ts";

/** Our claim on the data directory, for as long as its connection lives. */
export interface Ownership {
  /** Resolves when the connection ended: the server stopped or broke, or `release` was called. */
  readonly ended: Promise<void>;
  /** Creates the database unless it exists. */
  ensureDatabase(name: string): Promise<void>;
  release(): Promise<void>;
}

/**
 * Another Carillon process has the data directory. Its database can still be reached for a short
 * errand.
 */
export class DataDirectoryInUse extends Error {
  /** The directory that is really used, which may be the system-wide place. */
  readonly dataDirectory: string;
  readonly address: (database: string) => string;
  constructor(message: string, dataDirectory: string, address: (database: string) => string) {
    super(message);
    this.name = "DataDirectoryInUse";
    this.dataDirectory = dataDirectory;
    this.address = address;
  }
}

const OWNER_LOCK = 7_201_905;
// A claim of a process that was just killed ends when the server notices the closed socket:
// milliseconds.
const CLAIM_LIMIT_MS = 2_000;
const CLAIM_RETRY_MS = 50;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Claims the data directory of the running server.
 * @throws Error naming the holder when another process has it
 */
export async function claimOwnership(
  socketConnection: (database: string) => string,
  dataDirectory: string,
): Promise<Ownership> {
  const client = new pg.Client({
    connectionString: socketConnection("postgres"),
    application_name: `carillon process ${process.pid}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // The driver ends the process for an error event that nobody hears. What matters is the end that
  // follows.
  client.on("error", () => {});
  const ended = new Promise<void>((resolve) => {
    client.once("end", resolve);
  });
  await client.connect();
  try {
    await lockOrRefuse(client, dataDirectory, socketConnection);
  } catch (error) {
    await client.end();
    throw error;
  }
  return {
    ended,
    ensureDatabase: async (name) => {
      const found = await client.query("select from pg_database where datname = $1", [name]);
      if (found.rowCount === 0) {
        await client.query(`create database ${pg.escapeIdentifier(name)} owner ${SUPERUSER}`);
      }
    },
    release: () => client.end(),
  };
}

async function lockOrRefuse(
  client: pg.Client,
  dataDirectory: string,
  address: (database: string) => string,
): Promise<void> {
  const deadline = performance.now() + CLAIM_LIMIT_MS;
  for (;;) {
    const attempt = await client.query<{ locked: boolean }>(
      "select pg_try_advisory_lock($1) as locked",
      [OWNER_LOCK],
    );
    if (attempt.rows[0]?.locked === true) return;
    if (performance.now() > deadline) break;
    await delay(CLAIM_RETRY_MS);
  }
  const holder = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.objid = $1 and l.granted`,
    [OWNER_LOCK],
  );
  throw new DataDirectoryInUse(
    `The data directory ${dataDirectory} is in use by ` +
      `${holder.rows[0]?.name ?? "another process"}. Stop that one ` +
      "first, or start this one with another CARILLON_DATA_DIR. (Several processes share one " +
      "database through " +
      "DATABASE_URL.)",
    dataDirectory,
    address,
  );
}
