// Which operating-system user the embedded server runs as. PostgreSQL refuses to run as root, so as
// root a user without privileges is chosen: the owner of existing data, else `postgres`, else
// `nobody`. Users are never created.

import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";

/** The user of the server's processes and files. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** False when that is who we are already: nothing has to be handed over. */
  readonly isSomeoneElse: boolean;
}

const CANDIDATES = ["postgres", "nobody"];
// Asking the system's user database or a shell takes milliseconds; a hung network directory must
// not hang the start.
const PROBE_TIMEOUT_MS = 5_000;

/**
 * Chooses the user for the cluster directory `cluster`, which need not exist.
 * @throws Error with what to do when the existing data belongs to somebody we cannot become
 */
export function chooseServerUser(cluster: string): ServerUser {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const owner = existsSync(cluster) ? statSync(cluster) : null;
  if (uid !== 0) {
    if (owner !== null && owner.uid !== uid) {
      throw new Error(
        `The database in ${cluster} belongs to ${nameOfUser(owner.uid)}. Run Carillon as that ` +
          "user (or as root), " +
          "or choose another CARILLON_DATA_DIR.",
      );
    }
    return { uid, gid, name: nameOfUser(uid), isSomeoneElse: false };
  }
  if (owner !== null) {
    if (owner.uid === 0) {
      throw new Error(
        `The database in ${cluster} belongs to root, and PostgreSQL refuses to run as root. ` +
          `Give it to an ordinary user: chown -R postgres ${cluster}`,
      );
    }
    return { uid: owner.uid, gid: owner.gid, name: nameOfUser(owner.uid), isSomeoneElse: true };
  }
  for (const name of CANDIDATES) {
    const found = findUser(name);
    if (found !== null) return { ...found, name, isSomeoneElse: true };
  }
  throw new Error(
    "PostgreSQL refuses to run as root, and this system has neither a user `postgres` nor " +
      "`nobody`. " +
      "Run Carillon as an ordinary user, or set DATABASE_URL.",
  );
}

/**
 * Whether `user` can enter `directory` and write there. Asked of the system itself, as that user.
 */
export function canUse(user: ServerUser, directory: string): boolean {
  const probe = spawnSync("/bin/sh", ["-c", 'cd "$1" && [ -w . ] && [ -x . ]', "sh", directory], {
    ...asUser(user),
    cwd: "/",
    stdio: "ignore",
    timeout: PROBE_TIMEOUT_MS,
  });
  return probe.status === 0;
}

/** Spawn options that make a child run as `user`. */
export function asUser(user: ServerUser): { readonly uid?: number; readonly gid?: number } {
  return user.isSomeoneElse ? { uid: user.uid, gid: user.gid } : {};
}

function findUser(name: string): { uid: number; gid: number } | null {
  const uid = askId("-u", name);
  const gid = askId("-g", name);
  return uid === null || gid === null || uid === 0 ? null : { uid, gid };
}

function nameOfUser(uid: number): string {
  const answer = spawnSync("id", ["-un", String(uid)], {
    encoding: "utf8",
    timeout: PROBE_TIMEOUT_MS,
  });
  return answer.status === 0 ? answer.stdout.trim() : `uid ${uid}`;
}

function askId(option: "-u" | "-g", name: string): number | null {
  const answer = spawnSync("id", [option, name], { encoding: "utf8", timeout: PROBE_TIMEOUT_MS });
  const id = Number.parseInt(answer.stdout ?? "", 10);
  return answer.status === 0 && Number.isInteger(id) ? id : null;
}
