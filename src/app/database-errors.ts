// Which failures of the database are "no database just now": the caller may try again later and
// will be told so, and when. Everything else (a broken constraint, a wrong statement) stays as the
// driver gave it, with its SQLSTATE in `code`.

import pg from "pg";
import { AppError } from "../domain/app-error.ts";

// Class 08 is every connection exception; the rest are single states in which the server gives or
// keeps no connection, or can do no work in it: nothing that the statement said.
const UNAVAILABLE_STATES = new Set([
  "25006", // read-only: a standby, or an administrator's switch
  "25P03", // idle in transaction for too long: the session was cut
  "53000", // insufficient resources
  "53100", // the disk is full
  "53200", // out of memory
  "53300", // too many connections
  "55P03", // a lock was not to be had in time
  "57014", // the statement took too long
  "57P01", // administrator shut the server down or ended the session
  "57P02", // the server is restarting after a crash
  "57P03", // the server is starting up, shutting down or in recovery
  "57P05", // idle session cut
  "58030", // the disk cannot be read or written
]);

/** For Retry-After: a database that restarts after a crash is back in a second or two. */
const RETRY_AFTER_SECONDS = 5;

const RERUN_STATES = new Set(["40001", "40P01"]);

/** The SQLSTATE of a database error, or null when the error did not come from the server. */
export function sqlState(error: unknown): string | null {
  if (error instanceof pg.DatabaseError) return error.code ?? null;
  return null;
}

/** True for a deadlock or a serialisation failure: the whole transaction may be run again. */
export function isRerunnable(error: unknown): boolean {
  const state = sqlState(error);
  return state !== null && RERUN_STATES.has(state);
}

/** True for what `unavailable` makes. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === "database_unavailable";
}

/**
 * The error to throw for a failed statement: `database_unavailable` (retryable) when the connection
 * or the state of the server is the reason, otherwise `error` itself.
 */
export function statementError(error: unknown, isConnectionLost: boolean): unknown {
  const state = sqlState(error);
  const isUnavailableState =
    state !== null && (state.startsWith("08") || UNAVAILABLE_STATES.has(state));
  if (isUnavailableState) return unavailable("The database cannot do this just now.", error);
  return isConnectionLost && state === null
    ? unavailable("The connection to the database broke.", error)
    : error;
}

/** The error to throw when a transaction had to be run again more often than is sensible. */
export function contentionError(error: unknown): AppError {
  return unavailable("Too many wanted the same rows of the database at once.", error);
}

/**
 * The error to throw when no connection could be had. A refusal that waiting cannot cure (wrong
 * password, no such database) is not retryable.
 */
export function connectError(error: unknown): AppError {
  const state = sqlState(error);
  if (state !== null && !state.startsWith("08") && !UNAVAILABLE_STATES.has(state)) {
    return new AppError("database_unavailable", {
      message: `The database refused the connection: ${messageOf(error)}`,
      retryable: false,
      cause: error,
    });
  }
  return unavailable("The database cannot be reached.", error);
}

function unavailable(message: string, cause: unknown): AppError {
  return new AppError("database_unavailable", {
    message,
    retryable: true,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
