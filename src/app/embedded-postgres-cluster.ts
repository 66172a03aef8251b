// PostgreSQL's data directory: made once, in one step that either happened or did not, and never
// opened by a server of another major version (PostgreSQL would refuse too, in words that do not
// help).

import { spawn } from "node:child_process";
import {
  chownSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { ServerBinaries } from "./embedded-postgres-binaries.ts";
import type { ServerPlace } from "./embedded-postgres-place.ts";
import { asUser } from "./embedded-postgres-user.ts";

/** The superuser inside the cluster. Only those who can enter the socket directory can be it. */
export const SUPERUSER = "carillon";
const UNFINISHED_PREFIX = "cluster.unfinished-";
// Takes half a second on a laptop; a small board with a worn memory card takes a minute.
const INITDB_TIMEOUT_MS = 300_000;

/** What children of ours get to see of the environment: nothing of the operator's, no secrets. */
export const SERVER_ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

/**
 * Makes the cluster unless there is one. Several processes may try at once: one wins, the others
 * use its work.
 * @throws Error for data of another major version, or with initdb's own words when it fails
 */
export async function ensureCluster(place: ServerPlace, binaries: ServerBinaries): Promise<void> {
  removeUnfinished(place.home);
  if (!existsSync(place.cluster)) {
    const unfinished = join(place.home, `${UNFINISHED_PREFIX}${process.pid}`);
    mkdirSync(unfinished);
    chmodSync(unfinished, 0o700);
    if (place.user.isSomeoneElse) chownSync(unfinished, place.user.uid, place.user.gid);
    try {
      await initdb(unfinished, place, binaries);
      // initdb has flushed its files; the rename makes them the cluster, whole or not at all.
      renameSync(unfinished, place.cluster);
      await flushDirectory(place.home);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(place.cluster)) throw error;
    }
  }
  refuseOtherMajor(place, binaries);
}

function refuseOtherMajor(place: ServerPlace, binaries: ServerBinaries): void {
  const versionFile = join(place.cluster, "PG_VERSION");
  if (!existsSync(versionFile)) {
    throw new Error(
      `${place.cluster} exists but holds no PostgreSQL database. Remove it if it is empty, or ` +
        "restore its backup.",
    );
  }
  const found = Number.parseInt(readFileSync(versionFile, "utf8"), 10);
  if (found === binaries.major) return;
  const advice =
    found > binaries.major
      ? "Start the newer Carillon that made it"
      : "Export with the older Carillon that made it and import here";
  throw new Error(
    `The database in ${place.cluster} was made by PostgreSQL ${found}, this Carillon brings ` +
      "PostgreSQL " +
      `${binaries.major}. ${advice}, point CARILLON_PG_BINARIES to programs of PostgreSQL ` +
      `${found}, ` +
      "or choose an empty CARILLON_DATA_DIR.",
  );
}

function initdb(directory: string, place: ServerPlace, binaries: ServerBinaries): Promise<void> {
  // The builtin locale gives the same order of text on every machine, whatever its C library; it
  // exists since 17.
  const locale =
    binaries.major >= 17
      ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
      : ["--locale=C"];
  const args = [
    `--pgdata=${directory}`,
    `--username=${SUPERUSER}`,
    "--encoding=UTF8",
    ...locale,
    "--auth-local=trust",
    "--auth-host=reject",
    "--data-checksums",
    "--no-instructions",
  ];
  const child = spawn(join(binaries.directory, "bin", "initdb"), args, {
    ...asUser(place.user),
    cwd: place.home,
    env: SERVER_ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: INITDB_TIMEOUT_MS,
  });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => {
      if (status === 0) return resolve();
      const said = Buffer.concat(output).toString("utf8").trim();
      reject(
        new Error(
          `initdb failed (${signal ?? `exit status ${status}`}) in ${place.home}:\n${said}`,
        ),
      );
    });
  });
}

function removeUnfinished(home: string): void {
  for (const name of readdirSync(home)) {
    if (!name.startsWith(UNFINISHED_PREFIX)) continue;
    const pid = Number(name.slice(UNFINISHED_PREFIX.length));
    // One of another live process is that process's work; in a container a dead one may have had
    // our number.
    if (pid !== process.pid && isAlive(pid)) continue;
    // The initdb of a process that was killed may still be writing there, until its next word finds
    // nobody to read it. What it leaves after this is removed by a later start.
    rmSync(join(home, name), { recursive: true, force: true, maxRetries: 10 });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
