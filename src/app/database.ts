// The Database port over `pg`: one pool, its limits, its transactions. HTTP and engine open one
// each, so that a flood of requests cannot starve the dialer. Every limit below exists so that a
// process that is stopped, unplugged or hung holds up the others for seconds and not for ever.

import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { AppError } from "../domain/app-error.ts";
import type { Database, Planning, Queryable, QueryResult, Row } from "../ports/database.ts";
import { columnTypes } from "./database-columns.ts";
import {
  connectError,
  contentionError,
  isRerunnable,
  isUnavailable,
  statementError,
} from "./database-errors.ts";
import { startListener, type Listener } from "./database-listener.ts";

export interface OpenDatabaseOptions {
  /** A PostgreSQL URL; a Unix socket is `postgresql:///NAME?host=DIRECTORY&user=USER`. */
  readonly connectionString: string;
  /** Connections of this pool, the listeners' not counted. */
  readonly maxConnections: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  /**
   * Longest statement. Default 30 s. 0 lifts this limit and the one on waiting for locks: for
   * migrations.
   */
  readonly statementTimeoutMs?: number;
  /**
   * Told of connections that broke while nobody used them. For the log only: the pool replaces
   * them.
   */
  readonly onConnectionError?: (error: Error) => void;
}

export interface PoolStats {
  readonly maxConnections: number;
  readonly openConnections: number;
  readonly idleConnections: number;
  /** Callers that wait for a connection. */
  readonly waitingCallers: number;
}

/** The Database port, with its lifetime. */
export interface OpenDatabase extends Database {
  /**
   * Resolves when the server confirmed the subscription. See database-listener.ts for what happens
   * when it breaks.
   */
  listen(channel: string, onNotify: (payload: string) => void): Promise<Listener>;
  poolStats(): PoolStats;
  /**
   * Waits a few seconds for statements under way, then cuts them. Listeners are closed too.
   * Idempotent.
   */
  close(): Promise<void>;
}

// A process stopped inside a transaction (SIGSTOP, a frozen VM) keeps its row locks until the
// server cuts it. A healthy transaction is never idle for more than milliseconds; 10 s leaves room
// for a machine that swaps.
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
// Must exceed the one above: whoever waits behind a stopped process then gets its lock and not an
// error.
const LOCK_TIMEOUT_MS = 15_000;
// Must exceed the lock time-out and the largest statement, a COPY of 100,000 recipients (measured
// below 1 s).
const STATEMENT_TIMEOUT_MS = 30_000;
// The server enforces its limits itself; this much later we conclude that it no longer answers at
// all.
const SILENT_SERVER_MARGIN_MS = 5_000;
// Waiting for a free connection, or for the server to accept one. Past it the caller is told to
// come back.
const CONNECT_TIMEOUT_MS = 10_000;
// A connection unused this long is closed, so that a quiet installation is small.
const IDLE_CONNECTION_MS = 30_000;
const CLOSE_GRACE_MS = 5_000;
const MAX_TRANSACTION_RERUNS = 5;
const MIN_SERVER_VERSION = 150_000;

// UTC and ISO are what the column parsers expect at their quickest. Single statements must not fail
// with 40001 because an administrator made another isolation level the default. JIT compiles for
// longer than our short statements run.
const SESSION_OPTIONS =
  "-c timezone=UTC -c datestyle=ISO -c default_transaction_isolation=read\\ committed -c jit=off";

/**
 * Opens a pool and checks the server: PostgreSQL 15 or newer, UTF-8.
 * @throws AppError `database_unavailable`; retryable unless the server refused us or does not
 * qualify.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenDatabase> {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const config: pg.PoolConfig = {
    connectionString: options.connectionString,
    application_name: options.applicationName ?? "carillon",
    options: SESSION_OPTIONS,
    types: columnTypes,
    statement_timeout: statementTimeoutMs,
    lock_timeout: statementTimeoutMs === 0 ? 0 : LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    max: options.maxConnections,
    // A server that vanished without a word is noticed while connections are idle.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
  const onConnectionError = options.onConnectionError ?? (() => {});
  const sessions = openSessions(config, statementTimeoutMs, onConnectionError);
  try {
    await checkServer(sessions);
  } catch (error) {
    await sessions.close();
    throw error;
  }
  const listeners = new Set<Listener>();
  return {
    query: (text, values, planning) =>
      withReruns(() => sessions.use((session) => session.query(text, values, planning))),
    copyFrom: (text, chunks) => sessions.use((session) => session.copyFrom(text, chunks)),
    transaction: (work) => withReruns(() => sessions.use((session) => runOnce(session, work))),
    listen: async (channel, onNotify) => {
      const listener = await startListener(config, channel, onNotify, onConnectionError);
      listeners.add(listener);
      return listener;
    },
    poolStats: () => sessions.stats(),
    close: async () => {
      await Promise.all([...listeners].map((listener) => listener.close()));
      await sessions.close();
    },
  };
}

/** One checked-out connection. Its statements never leave a half-read answer behind. */
interface Session extends Queryable {
  /** Command tag of a statement without rows: shows whether COMMIT committed. */
  run(text: string): Promise<string>;
}

interface Sessions {
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  stats(): PoolStats;
  close(): Promise<void>;
}

function openSessions(
  config: pg.PoolConfig,
  statementTimeoutMs: number,
  onConnectionError: (error: Error) => void,
): Sessions {
  const pool = new pg.Pool(config);
  const live = new Set<pg.PoolClient>();
  const lost = new WeakSet<pg.PoolClient>();
  // The driver ends the process for an "error" event that nobody hears, in the pool or on a
  // checked-out connection.
  pool.on("error", onConnectionError);
  pool.on("connect", (client) => {
    live.add(client);
    client.on("error", () => lost.add(client));
    client.on("end", () => {
      lost.add(client);
      live.delete(client);
    });
  });

  const guard = async <T>(client: pg.PoolClient, statement: () => Promise<T>): Promise<T> => {
    const giveUp = (): void => {
      lost.add(client);
      cut(client);
    };
    const timer =
      statementTimeoutMs === 0
        ? undefined
        : setTimeout(giveUp, statementTimeoutMs + SILENT_SERVER_MARGIN_MS);
    try {
      return await statement();
    } catch (error) {
      const translated = statementError(error, lost.has(client));
      if (isUnavailable(translated)) lost.add(client);
      throw translated;
    } finally {
      clearTimeout(timer);
    }
  };

  let closing: Promise<void> | undefined;
  return {
    use: async (work) => {
      const client = await pool.connect().catch((error: unknown) => {
        throw connectError(error);
      });
      try {
        return await work(sessionOver(client, guard));
      } finally {
        // An unfinished transaction is never handed to the next user.
        client.release(lost.has(client) || client.getTransactionStatus() !== "I");
      }
    },
    stats: () => ({
      maxConnections: config.max ?? 0,
      openConnections: pool.totalCount,
      idleConnections: pool.idleCount,
      waitingCallers: pool.waitingCount,
    }),
    close: () => (closing ??= closePool(pool, live)),
  };
}

type Guard = <T>(client: pg.PoolClient, statement: () => Promise<T>) => Promise<T>;

function sessionOver(client: pg.PoolClient, guard: Guard): Session {
  // Without values the simple protocol is used, in which one text may hold several statements (a
  // migration).
  const send = async <R extends Row>(
    text: string,
    values: readonly unknown[] | undefined,
    planning: Planning = "each_time",
  ): Promise<pg.QueryResult<R>> => {
    const name = planning === "once" ? { name: statementName(text) } : {};
    const answer: pg.QueryResult<R> | pg.QueryResult<R>[] =
      values === undefined || values.length === 0
        ? await client.query<R>(text)
        : await client.query<R>({ text, values: [...values], ...name });
    const last = [answer].flat().at(-1);
    assert(last !== undefined, "a statement text holds at least one statement");
    return last;
  };
  return {
    query: async <R extends Row>(
      text: string,
      values?: readonly unknown[],
      planning?: Planning,
    ) => {
      const result = await guard(client, () => send<R>(text, values, planning));
      return { rows: result.rows, rowCount: result.rowCount ?? 0 } satisfies QueryResult<R>;
    },
    copyFrom: (text, chunks) =>
      guard(client, async () => {
        const copy = client.query(copyFrom(text));
        await pipeline(Readable.from(chunks, { objectMode: false }), copy);
        return copy.rowCount;
      }),
    run: async (text) => (await guard(client, () => send(text, undefined))).command,
  };
}

/** The same for the same text: the driver prepares it once for each connection. */
function statementName(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

// A deadlock or a serialisation failure leaves nothing behind, so it is run again from its start: a
// transaction, or a statement that is one by itself.
async function withReruns<T>(run: () => Promise<T>): Promise<T> {
  for (let reruns = 0; ; reruns++) {
    try {
      return await run();
    } catch (error) {
      if (!isRerunnable(error)) throw error;
      if (reruns === MAX_TRANSACTION_RERUNS) throw contentionError(error);
    }
  }
}

async function runOnce<T>(session: Session, work: (tx: Queryable) => Promise<T>): Promise<T> {
  let isOpen = true;
  const failures: unknown[] = [];
  const inside = async <A>(statement: () => Promise<A>): Promise<A> => {
    assert(isOpen, "a statement was sent after its transaction ended");
    try {
      return await statement();
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  const tx: Queryable = {
    query: (text, values, planning) => inside(() => session.query(text, values, planning)),
    copyFrom: (text, chunks) => inside(() => session.copyFrom(text, chunks)),
  };
  await session.run("begin isolation level read committed");
  try {
    const result = await work(tx);
    isOpen = false;
    // When a statement failed and `work` went on regardless, the server answers COMMIT with a
    // rollback and no error.
    const tag = await session.run("commit");
    assert(tag === "COMMIT" || failures.length > 0, `COMMIT was answered by ${tag}`);
    if (tag !== "COMMIT") throw failures[0];
    return result;
  } catch (error) {
    isOpen = false;
    // A failing rollback means a broken connection, which is then thrown away; the first error is
    // the one to report.
    await session.run("rollback").catch(() => {});
    throw error;
  }
}

async function checkServer(sessions: Sessions): Promise<void> {
  const { rows } = await sessions.use((session) =>
    session.query<{ version: number; name: string; encoding: string; date_style: string }>(
      `select current_setting('server_version_num')::int as version,
              current_setting('server_version') as name,
              current_setting('server_encoding') as encoding,
              current_setting('datestyle') as date_style`,
    ),
  );
  const server = rows[0];
  assert(server !== undefined, "a select without from has one row");
  if (server.version < MIN_SERVER_VERSION) {
    refuse(
      `The database server is PostgreSQL ${server.name}. Carillon needs PostgreSQL 15 or newer.`,
    );
  }
  if (server.encoding !== "UTF8") {
    refuse(
      `The database is encoded in ${server.encoding}. Carillon needs UTF8: create one with ` +
        "`create database carillon encoding 'UTF8' template template0`.",
    );
  }
  if (!server.date_style.startsWith("ISO")) {
    refuse(
      `The connection's datestyle is ${server.date_style}. Remove it from DATABASE_URL's options.`,
    );
  }
}

function refuse(message: string): never {
  throw new AppError("database_unavailable", { message, retryable: false });
}

async function closePool(pool: pg.Pool, live: ReadonlySet<pg.PoolClient>): Promise<void> {
  const grace = setTimeout(() => {
    for (const client of live) cut(client);
  }, CLOSE_GRACE_MS);
  await pool.end();
  clearTimeout(grace);
}

/** Ends a connection whatever it does; its statement fails with a broken connection. */
function cut(client: pg.PoolClient): void {
  client.end(() => {});
}
