// Where the embedded database lives on disk. The directory the operator named is used or refused,
// never replaced. Only the default one may move to a system-wide place, and then the choice must
// not flip back later: an installation that silently opened an empty database beside its real one
// would forget whom it must not call.

import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { canUse, chooseServerUser, type ServerUser } from "./embedded-postgres-user.ts";

/** The directories of one embedded database. */
export interface ServerPlace {
  /** What the operator calls the data directory; holds `postgres/`. */
  readonly dataDirectory: string;
  /** `postgres/` in the data directory, owned by the server's user. */
  readonly home: string;
  /** PostgreSQL's own directory inside `home`. */
  readonly cluster: string;
  readonly user: ServerUser;
  /** Set when the data is not where the operator would look for it first. */
  readonly notice: string | null;
}

const SYSTEM_PLACE = "/var/lib/carillon";
// sockaddr_un holds 108 bytes with the closing zero (104 on macOS).
const MAX_SOCKET_PATH_BYTES = process.platform === "darwin" ? 103 : 107;
/** PostgreSQL names its socket after a port number even when it listens on no port. */
export const SOCKET_PORT = 5432;
const TEMPORARY_SOCKET_PREFIX = "carillon-socket-";

/**
 * Chooses and prepares the directories.
 * @param isDefault the operator did not name this directory
 * @param systemPlace where the default falls back to; a parameter so that it can be tried without
 * being root's own
 * @throws Error with the fix when the server's user cannot reach a directory that was named, or has
 * existing data
 */
export function preparePlace(
  dataDirectory: string,
  isDefault: boolean,
  systemPlace: string = SYSTEM_PLACE,
): ServerPlace {
  const named = describePlace(resolve(dataDirectory));
  const isRoot = process.getuid?.() === 0;
  if (!isDefault || !isRoot || existsSync(named.cluster)) {
    makeUsable(named);
    return { ...named, notice: null };
  }
  const fallback = describePlace(join(systemPlace, stableName(named.dataDirectory)));
  if (!existsSync(fallback.cluster)) {
    const problem = tryMakeUsable(named);
    if (problem === null) return { ...named, notice: null };
  }
  makeUsable(fallback);
  return {
    ...fallback,
    notice:
      `The database is kept in ${fallback.dataDirectory} and not in ${named.dataDirectory}: as ` +
      "root it runs as user " +
      `${fallback.user.name}, who could not reach that directory. Set CARILLON_DATA_DIR to ` +
      "choose another place.",
  };
}

/**
 * A private directory for the server's socket: `home`/socket, or one in the temporary directory
 * when that path is too long for a socket address. Nobody but the server's user (and root) can
 * enter it, which is what lets the server trust every connection that arrives there: whoever can
 * connect could read the data files anyway.
 */
export function makeSocketDirectory(place: ServerPlace): string {
  const beside = join(place.home, "socket");
  if (fitsSocketAddress(beside)) {
    ensureOwned(beside, place.user, 0o700);
    return beside;
  }
  for (const temporary of new Set([tmpdir(), "/tmp"])) {
    const directory = mkdtempSync(join(temporary, TEMPORARY_SOCKET_PREFIX));
    ensureOwned(directory, place.user, 0o700);
    if (fitsSocketAddress(directory) && canUse(place.user, directory)) return directory;
  }
  throw new Error(
    `The path ${beside} is too long for a socket, and the temporary directory ${tmpdir()} does ` +
      "not serve either. " +
      "Choose a CARILLON_DATA_DIR with a shorter path.",
  );
}

/**
 * Removes a socket directory that `makeSocketDirectory` made outside the data directory; leaves any
 * other alone. Only the server's own files in it are touched: its name was read from a file that
 * belongs to somebody else.
 */
export function removeTemporarySocketDirectory(directory: string): void {
  if (!basename(directory).startsWith(TEMPORARY_SOCKET_PREFIX)) return;
  try {
    for (const suffix of ["", ".lock"]) {
      rmSync(join(directory, `.s.PGSQL.${SOCKET_PORT}${suffix}`), { force: true });
    }
    rmdirSync(directory);
  } catch {
    // Somebody else's, or gone: an empty directory in the temporary one is no harm.
  }
}

function fitsSocketAddress(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${SOCKET_PORT}`)) <= MAX_SOCKET_PATH_BYTES;
}

function describePlace(dataDirectory: string): Omit<ServerPlace, "notice"> {
  const home = join(dataDirectory, "postgres");
  const cluster = join(home, "cluster");
  return { dataDirectory, home, cluster, user: chooseServerUser(cluster) };
}

function makeUsable(place: Omit<ServerPlace, "notice">): void {
  const problem = tryMakeUsable(place);
  if (problem !== null) throw new Error(problem);
}

function tryMakeUsable(place: Omit<ServerPlace, "notice">): string | null {
  try {
    // Others may pass through (the server's user must), but not look inside. Files in it have modes
    // of their own.
    mkdirSync(place.dataDirectory, { recursive: true, mode: 0o711 });
    ensureOwned(place.home, place.user, 0o700);
  } catch (error) {
    return (
      `The data directory ${place.dataDirectory} cannot be used (${(error as Error).message}). ` +
      "Set CARILLON_DATA_DIR " +
      "to a directory on a local disk that this user may write."
    );
  }
  return canUse(place.user, place.home) ? null : unreachable(place);
}

function unreachable(place: Omit<ServerPlace, "notice">): string {
  if (!place.user.isSomeoneElse) {
    return (
      `The data directory ${place.dataDirectory} holds a database that user ${place.user.name} ` +
      "may not use, because " +
      "it was started as root or by another user before. Start Carillon as that user again, or " +
      "choose another " +
      "CARILLON_DATA_DIR."
    );
  }
  const closed = closedParent(place.home, place.user);
  const why = closed === null ? "" : ` (${closed} lets nobody else in)`;
  return (
    `The data directory ${place.dataDirectory} cannot be reached by user ${place.user.name}, as ` +
    "whom the database " +
    `runs because PostgreSQL refuses to run as root${why}. Set CARILLON_DATA_DIR to a directory ` +
    "outside it, such as " +
    `${SYSTEM_PLACE}${closed === null ? "" : `, or run: chmod o+x ${closed}`}. ` +
    "An ordinary user instead of root, or a DATABASE_URL, avoids the question."
  );
}

/** The uppermost directory on the way that `user` cannot pass, as far as mode bits tell. */
function closedParent(path: string, user: ServerUser): string | null {
  const parents: string[] = [];
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) parents.unshift(at);
  return (
    parents.find((parent) => {
      const { mode, uid, gid } = statSync(parent);
      if (uid === user.uid) return (mode & 0o100) === 0;
      if (gid === user.gid) return (mode & 0o010) === 0;
      return (mode & 0o001) === 0;
    }) ?? null
  );
}

function ensureOwned(directory: string, user: ServerUser, mode: number): void {
  mkdirSync(directory, { recursive: true, mode });
  const found = lstatSync(directory);
  if (!found.isDirectory()) throw new Error(`${directory} is not a directory.`);
  if (user.isSomeoneElse && (found.uid !== user.uid || found.gid !== user.gid)) {
    chownSync(directory, user.uid, user.gid);
  }
  if ((found.mode & 0o777) !== mode) chmodSync(directory, mode);
}

function stableName(dataDirectory: string): string {
  const checkout = basename(dirname(dataDirectory)).replaceAll(/[^\w.-]/g, "-");
  const hash = createHash("sha256").update(dataDirectory).digest("hex").slice(0, 12);
  return `${checkout || "root"}-${hash}`;
}
