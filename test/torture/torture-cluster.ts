// The PostgreSQL of a torture: one of its own, with everything that survives a crash switched on,
// that can be killed, filled, made read-only or run out of connections. The servers come to it as a
// plain role, so that the limits of connections hold for them.

import { join } from "node:path";
import { openDatabase, type OpenDatabase } from "../../src/app/database.ts";
import { startEmbeddedPostgres } from "../../src/app/embedded-postgres.ts";
import { withDatabase } from "../support/database-urls.ts";
import { waitFor } from "../support/wait-for.ts";

const DATABASE = "torture";
const ROLE = "carillon_app";
const TABLES = ["calls", "recipients", "call_events", "campaigns", "deliveries"] as const;

export interface TortureCluster {
  /** The Unix socket behind the servers' lines. */
  readonly socketPath: string;
  /** For a server whose line to the database has this port. */
  addressAt(port: number): string;
  /** A superuser's connections to the servers' database, past every line. */
  readonly admin: OpenDatabase;
  /** kill -9 of the whole server; it is started again by its keeper. */
  killServer(): Promise<void>;
  /** kill -9 of one connection's process, for which the server restarts all of them. */
  killBackend(): Promise<void>;
  terminateConnections(): Promise<void>;
  setReadOnly(isReadOnly: boolean): Promise<void>;
  setOutOfConnections(isOut: boolean): Promise<void>;
  /** Every write says SQLSTATE 53100, as a full disk makes it. */
  setDiskFull(isFull: boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function startTortureCluster(directory: string): Promise<TortureCluster> {
  const postgres = await startEmbeddedPostgres({
    dataDirectory: join(directory, "database"),
    isDefaultDirectory: false,
    binariesDirectory: null,
    settings: { deadlock_timeout: "200ms" },
    onNotice: () => {},
    onLost: (error) => {
      console.error("the database is gone:", error);
    },
  });
  const url = new URL(postgres.connectionString);
  const host = url.searchParams.get("host") ?? "";
  const root = await openDatabase({ connectionString: url.toString(), maxConnections: 1 });
  await root.query(`create role ${ROLE} login`);
  await root.query(`create database ${DATABASE} owner ${ROLE}`);
  await root.close();
  const admin = await openDatabase({
    connectionString: withDatabase(url.toString(), DATABASE),
    maxConnections: 4,
    applicationName: "torture",
  });
  // A torture that is cut short must not leave its server behind.
  const cut = (): void => void process.kill(postgres.serverPid(), "SIGQUIT");
  process.once("exit", cut);
  // A statement that struck an outage is said again: the torturer must get its way.
  const insist = (text: string): Promise<unknown> =>
    waitFor(
      () =>
        admin.query(text).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 120_000, pollMs: 100, describe: text },
    );
  const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${ROLE}'`;

  return {
    socketPath: `${host}/.s.PGSQL.${url.searchParams.get("port") ?? "5432"}`,
    addressAt: (port) => `postgresql://${ROLE}@127.0.0.1:${port}/${DATABASE}?sslmode=disable`,
    admin,
    killServer: async () => {
      const pid = postgres.serverPid();
      process.kill(pid, "SIGKILL");
      await waitFor(() => postgres.serverPid() !== pid, {
        timeoutMs: 120_000,
        describe: "the killed database to be started again",
      });
    },
    killBackend: async () => {
      const { rows } = await admin.query<{ pid: number }>(
        `select pid from pg_stat_activity where usename = '${ROLE}' order by random() limit 1`,
      );
      for (const { pid } of rows) process.kill(pid, "SIGKILL");
    },
    terminateConnections: async () => void (await insist(terminate)),
    setReadOnly: async (isReadOnly) => {
      const value = isReadOnly ? "on" : "off";
      await insist(`alter role ${ROLE} set default_transaction_read_only = ${value}`);
      // Sessions keep what they began with. What goes back to normal does so without help.
      if (isReadOnly) await insist(terminate);
    },
    setOutOfConnections: async (isOut) => {
      await insist(`alter role ${ROLE} connection limit ${isOut ? 1 : -1}`);
      if (isOut) await insist(terminate);
    },
    setDiskFull: async (isFull) => void (await insist(isFull ? FILL_DISK : FREE_DISK)),
    stop: async () => {
      process.off("exit", cut);
      await admin.close();
      await postgres.stop();
    },
  };
}

// A disk that is really full is not to be had on every machine; this is the same answer of the same
// server to the same statements. (A full disk of the log itself ends the server: that is kill -9.)
const FILL_DISK = [
  `set local lock_timeout = '2s'`,
  `create or replace function no_space() returns trigger language plpgsql as $$
     begin raise exception 'No space left on device' using errcode = '53100'; end $$`,
  ...TABLES.map(
    (table) =>
      `create or replace trigger no_space before insert or update on ${table}
       for each statement execute function no_space()`,
  ),
].join("; ");

const FREE_DISK = TABLES.map((table) => `drop trigger if exists no_space on ${table}`).join("; ");
