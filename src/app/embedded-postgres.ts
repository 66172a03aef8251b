// The database that comes with Carillon: a real PostgreSQL of our own, started when Carillon starts
// and stopped when it stops. It listens on a Unix socket in a private directory and on nothing
// else. A server that outlived us is used again; one that died is started again, also while we run.
// Nothing here ever deletes data.

import { setTimeout as delay } from "node:timers/promises";
import { locateBinaries } from "./embedded-postgres-binaries.ts";
import { ensureCluster, SUPERUSER } from "./embedded-postgres-cluster.ts";
import { claimOwnership, DataDirectoryInUse, type Ownership } from "./embedded-postgres-owner.ts";
import {
  makeSocketDirectory,
  preparePlace,
  removeTemporarySocketDirectory,
  SOCKET_PORT,
} from "./embedded-postgres-place.ts";
import {
  reachServer,
  stopServer,
  type RunningServer,
  type ServerLaunch,
} from "./embedded-postgres-process.ts";

export interface EmbeddedPostgresOptions {
  readonly dataDirectory: string;
  /**
   * The operator did not choose `dataDirectory`: as root it may give way to a system-wide place.
   */
  readonly isDefaultDirectory: boolean;
  /**
   * The operator's own PostgreSQL programs (a directory that holds bin/), or null for the ones of
   * the npm package.
   */
  readonly binariesDirectory: string | null;
  /**
   * Told, in one sentence each, what the operator should know: another directory, a server that had
   * to be restarted.
   */
  readonly onNotice: (notice: string) => void;
  /**
   * The database is gone for good while we run (another process took the directory, or it does not
   * start again).
   */
  readonly onLost: (error: Error) => void;
  /** Server settings over ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the default directory falls back to. */
  readonly systemPlace?: string;
}

export interface EmbeddedPostgres {
  /**
   * For `openDatabase` and for child processes' DATABASE_URL. Stays valid when the server is
   * restarted.
   */
  readonly connectionString: string;
  /** The data directory that is really used. */
  readonly dataDirectory: string;
  /** True when the server had outlived an earlier process. */
  readonly attached: boolean;
  /** PostgreSQL's version, as "18.4". */
  readonly version: string;
  /** What `onNotice` was told so far. */
  readonly notices: readonly string[];
  /** Process number of the server. */
  serverPid(): number;
  /** Stops the server in bounded time. Idempotent. */
  stop(): Promise<void>;
}

// A server may be found ready and refuse a connection a moment later: an earlier Carillon is just
// stopping it, or it recovers from the crash of one of its processes. That takes seconds at most.
const TAKE_UP_LIMIT_MS = 60_000;
const TAKE_UP_RETRY_MS = 100;

/** The database inside the cluster. */
export const DATABASE_NAME = "carillon";

/**
 * Starts the embedded database, or takes up the one that still runs in the data directory.
 * @throws Error with what to do: the directory is in use, out of reach, of another major version,
 * or the server fails
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const notices: string[] = [];
  const notify = (notice: string): void => {
    notices.push(notice);
    options.onNotice(notice);
  };
  const place = preparePlace(
    options.dataDirectory,
    options.isDefaultDirectory,
    options.systemPlace,
  );
  if (place.notice !== null) notify(place.notice);
  const binaries = locateBinaries(options.binariesDirectory, place.home, place.user);
  await ensureCluster(place, binaries);

  let socketDirectory: string | null = null;
  const launch: ServerLaunch = {
    place,
    binaries,
    settings: options.settings ?? {},
    // Kept for restarts: the address that others hold stays true.
    socketDirectory: () => (socketDirectory ??= makeSocketDirectory(place)),
  };
  let current = await takeUp(launch);
  socketDirectory = current.server.socketDirectory;
  const attached = !current.server.isStartedByUs;
  await current.ownership.ensureDatabase(DATABASE_NAME);

  let stopping: Promise<void> | undefined;
  let restart: Promise<TakenUp> = Promise.resolve(current);
  const watch = async (): Promise<void> => {
    for (;;) {
      await current.ownership.ended;
      if (stopping !== undefined) return;
      notify("The database server ended unexpectedly and is being restarted.");
      restart = takeUp(launch);
      current = await restart;
    }
  };
  watch().catch((error: unknown) => {
    if (stopping === undefined) options.onLost(error as Error);
  });
  const stop = async (): Promise<void> => {
    // A restart under way would otherwise leave a server behind that nobody stops.
    const { server, ownership } = await restart.catch(() => current);
    await stopServer(server, place.cluster);
    await ownership.release();
    removeTemporarySocketDirectory(server.socketDirectory);
  };

  return {
    connectionString: socketAddress(current.server, DATABASE_NAME),
    dataDirectory: place.dataDirectory,
    attached,
    version: binaries.version,
    notices,
    serverPid: () => current.server.pid,
    stop: () => (stopping ??= stop()),
  };
}

/** A server that is ours alone. */
interface TakenUp {
  readonly server: RunningServer;
  readonly ownership: Ownership;
}

async function takeUp(launch: ServerLaunch): Promise<TakenUp> {
  const deadline = performance.now() + TAKE_UP_LIMIT_MS;
  for (;;) {
    const server = await reachServer(launch);
    try {
      const ownership = await claimOwnership(
        (database) => socketAddress(server, database),
        launch.place.dataDirectory,
      );
      return { server, ownership };
    } catch (error) {
      if (error instanceof DataDirectoryInUse || performance.now() > deadline) throw error;
      await delay(TAKE_UP_RETRY_MS);
    }
  }
}

function socketAddress(server: RunningServer, database: string): string {
  const query = new URLSearchParams({
    host: server.socketDirectory,
    port: String(SOCKET_PORT),
    user: SUPERUSER,
    // Said aloud, so that PGSSLMODE in the operator's environment does not ask a Unix socket for
    // TLS.
    sslmode: "disable",
  });
  return `postgresql:///${database}?${query.toString()}`;
}
