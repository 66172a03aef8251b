// One consistent look at a whole database: a read-only transaction on a connection of its own, from
// which tables are copied out. Takes no lock that a running server would notice.

import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { Row } from "../../ports/database.ts";
import { columnTypes } from "../database-columns.ts";
import { connectError } from "../database-errors.ts";

export interface Snapshot {
  query<R extends Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** COPY … TO STDOUT, as it comes. Read to its end before the next statement. */
  copyTo(text: string): AsyncIterable<Uint8Array>;
}

// Whatever the server's own settings are, the text of a value is always the same.
const SESSION_OPTIONS =
  "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex " +
  "-c client_encoding=UTF8 -c statement_timeout=0 -c idle_in_transaction_session_timeout=0";
const CONNECT_TIMEOUT_MS = 10_000;

/** Everything `work` reads is of one instant, whatever is written meanwhile. */
export async function withSnapshot<T>(
  connectionString: string,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString,
    application_name: "carillon backup",
    options: SESSION_OPTIONS,
    types: columnTypes,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // The driver ends the process for an error event that nobody hears; the statement fails as well.
  client.on("error", () => {});
  await client.connect().catch((error: unknown) => {
    throw connectError(error);
  });
  try {
    await client.query("begin isolation level repeatable read read only");
    return await work({
      query: async <R extends Row>(text: string, values: readonly unknown[] = []) =>
        (await client.query<R>(text, [...values])).rows,
      copyTo: (text) => client.query(copyTo(text)),
    });
  } finally {
    await client.end();
  }
}
