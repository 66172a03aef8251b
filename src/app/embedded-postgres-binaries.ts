// Where the server's programs are: in the npm package of this platform, in a directory the operator
// named, or in a tree of hard links beside the data when the server's user cannot run them where
// they lie (a checkout under a private home, a package directory without the library links its
// install script would have made, and which we may not write to). Found means proven: `postgres
// --version` ran as the server's user.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { asUser, type ServerUser } from "./embedded-postgres-user.ts";

/** Programs that the server's user can run. */
export interface ServerBinaries {
  /** Holds bin/postgres and bin/initdb. */
  readonly directory: string;
  readonly major: number;
  readonly version: string;
}

// The server starts in milliseconds; this bounds a disk that answers late.
const VERSION_TIMEOUT_MS = 20_000;

/**
 * Finds programs that `user` can run, making a tree of its own under `home` if it has to.
 * @param configured the operator's directory (it holds bin/), or null for the npm package
 * @param home a directory the user can enter
 * @throws Error with what to do when there are none for this platform, or none that run
 */
export function locateBinaries(
  configured: string | null,
  home: string,
  user: ServerUser,
): ServerBinaries {
  if (configured !== null) {
    const answer = askVersion(configured, user);
    if (answer.kind === "runs") return { directory: configured, ...answer };
    throw new Error(
      `CARILLON_PG_BINARIES=${configured}: ${join(configured, "bin", "postgres")} does not run ` +
        "as " +
        `user ${user.name}: ${answer.reason}`,
    );
  }
  const found = findPackage();
  const linked = makeLibraryLinks(found.directory, found.directory);
  if (linked) {
    const answer = askVersion(found.directory, user);
    if (answer.kind === "runs") return { directory: found.directory, ...answer };
  }
  const tree = join(home, `binaries-${found.packageVersion}`);
  const existing = askVersion(tree, user);
  if (existing.kind === "runs") return { directory: tree, ...existing };
  buildTree(found.directory, tree, () => askVersion(tree, user).kind === "runs");
  const answer = askVersion(tree, user);
  if (answer.kind === "runs") return { directory: tree, ...answer };
  throw new Error(
    `The embedded PostgreSQL in ${tree} does not run as user ${user.name}: ${answer.reason} ` +
      "It needs Linux with glibc, or macOS; elsewhere set DATABASE_URL to a PostgreSQL server.",
  );
}

function findPackage(): { directory: string; packageVersion: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform === "win32") {
    throw new Error(
      "The embedded database does not run on Windows. Use WSL, or set DATABASE_URL to a " +
        "PostgreSQL server.",
    );
  }
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw new Error(
      `The package ${name} is not installed. Install without --omit=optional, set ` +
        "CARILLON_PG_BINARIES to a " +
        "directory with PostgreSQL's programs, or set DATABASE_URL to a PostgreSQL server.",
      { cause: error },
    );
  }
  const root = dirname(dirname(entry));
  const described: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { version } = described as { version: string };
  return { directory: join(root, "native"), packageVersion: version };
}

type VersionAnswer =
  | { readonly kind: "runs"; readonly major: number; readonly version: string }
  | { readonly kind: "fails"; readonly reason: string };

function askVersion(directory: string, user: ServerUser): VersionAnswer {
  const program = join(directory, "bin", "postgres");
  const answer = spawnSync(program, ["--version"], {
    ...asUser(user),
    cwd: "/",
    env: {},
    encoding: "utf8",
    timeout: VERSION_TIMEOUT_MS,
  });
  if (answer.error !== undefined) return { kind: "fails", reason: `${answer.error.message}.` };
  const match = /\(PostgreSQL\) ((\d+)\S*)/.exec(answer.stdout);
  if (answer.status !== 0 || match === null) {
    return { kind: "fails", reason: `${answer.stderr.trim() || `exit status ${answer.status}`}.` };
  }
  return { kind: "runs", major: Number(match[2]), version: match[1] ?? "" };
}

/**
 * Makes the links between library names that npm packages cannot hold; normally the package's
 * install script does it, which many installations refuse to run. Answers false when the directory
 * cannot be written.
 */
function makeLibraryLinks(packageNative: string, target: string): boolean {
  const list = join(packageNative, "pg-symlinks.json");
  if (!existsSync(list)) return true;
  const links: unknown = JSON.parse(readFileSync(list, "utf8"));
  // Paths in the list start at the package, one above `native`.
  for (const link of links as readonly { source: string; target: string }[]) {
    const path = resolve(target, "..", link.target.replace(/^native/, basename(target)));
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(basename(link.source), path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Another process made it in this moment.
      if (code === "EEXIST") continue;
      if (code === "EACCES" || code === "EROFS" || code === "EPERM") return false;
      throw error;
    }
  }
  return true;
}

// Built aside and renamed, so that a process killed half-way leaves nothing that looks finished.
function buildTree(packageNative: string, tree: string, runs: () => boolean): void {
  const building = `${tree}.${process.pid}`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building);
  // Not the mode argument of mkdir: the process's umask would cut it.
  chmodSync(building, 0o755);
  for (const folder of ["bin", "lib", "share"]) {
    linkFolder(join(packageNative, folder), join(building, folder));
  }
  makeLibraryLinks(packageNative, building);
  try {
    renameSync(building, tree);
    return;
  } catch (error) {
    if (!existsSync(tree)) throw error;
  }
  if (runs()) {
    // Another process finished the same tree first, and its server may run from it already.
    rmSync(building, { recursive: true, force: true });
    return;
  }
  const broken = `${building}.broken`;
  renameSync(tree, broken);
  renameSync(building, tree);
  rmSync(broken, { recursive: true, force: true });
}

function linkFolder(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) linkFolder(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkOrCopy(source, target);
  }
}

function linkOrCopy(source: string, target: string): void {
  const { mode } = lstatSync(source);
  // A link has the mode of the original, so one that only its owner may read has to be a copy.
  const isReadableByAll = (mode & 0o004) !== 0;
  if (isReadableByAll) {
    try {
      return linkSync(source, target);
    } catch {
      // Another device, or links refused by the system: copy.
    }
  }
  copyFileSync(source, target);
  chmodSync(target, (mode & 0o100) === 0 ? 0o644 : 0o755);
}
