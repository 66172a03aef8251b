// The embedded database through everything that happens to it: first start, our death, its death,
// both, a second start. These servers run as in production, with fsync on.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase, type OpenDatabase } from "../../src/app/database.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../../src/app/embedded-postgres.ts";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import { startEmbeddedOwner, type EmbeddedOwner } from "../support/embedded-owner.ts";
import { waitFor } from "../support/wait-for.ts";

/** A data directory that is removed with whatever server is left in it. */
function dataDirectory(): string {
  const directory = makeTemporaryDataDirectory("carillon-launcher-");
  onTestFinished(() => {
    killServerIn(directory, "SIGKILL");
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  return directory;
}

function serverPidIn(directory: string): number | null {
  try {
    const file = join(directory, "postgres/cluster/postmaster.pid");
    return Number.parseInt(readFileSync(file, "utf8"), 10);
  } catch {
    return null;
  }
}

function killServerIn(directory: string, signal: "SIGKILL"): void {
  const pid = serverPidIn(directory);
  if (pid === null || pid === process.pid) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

async function start(directory: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    dataDirectory: directory,
    isDefaultDirectory: false,
    binariesDirectory: null,
    onNotice: () => {},
    onLost: (error) => {
      throw error;
    },
  });
  onTestFinished(() => postgres.stop());
  return postgres;
}

function owner(directory: string): EmbeddedOwner {
  const started = startEmbeddedOwner(directory);
  onTestFinished(() => started.kill("SIGKILL"));
  return started;
}

async function use<T>(
  connectionString: string,
  work: (db: OpenDatabase) => Promise<T>,
): Promise<T> {
  const db = await openDatabase({ connectionString, maxConnections: 2 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

function remember(connectionString: string, word: string): Promise<void> {
  return use(connectionString, async (db) => {
    await db.query("create table if not exists words (word text)");
    await db.query("insert into words values ($1)", [word]);
  });
}

function recall(connectionString: string): Promise<unknown[]> {
  return use(connectionString, async (db) => {
    const { rows } = await db.query("select word from words order by word");
    return rows.map((row) => row["word"]);
  });
}

test("a fresh directory gets a durable server on a private socket only", async () => {
  const directory = dataDirectory();
  const first = await start(directory);
  expect(first.attached).toBe(false);
  await remember(first.connectionString, "kept");
  const settings = await use(first.connectionString, (db) =>
    db.query(
      `select current_setting('listen_addresses') as addresses, current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as commit,
              current_setting('server_encoding') as encoding,
              datlocprovider as provider, datlocale as locale
       from pg_database where datname = current_database()`,
    ),
  );
  expect(settings.rows[0]).toEqual({
    addresses: "",
    fsync: "on",
    commit: "on",
    encoding: "UTF8",
    provider: "b",
    locale: "C.UTF-8",
  });
  await first.stop();
  expect(serverPidIn(directory)).toBeNull();
  const second = await start(directory);
  expect(second.attached).toBe(false);
  expect(await recall(second.connectionString)).toEqual(["kept"]);
});

test("a server that outlived its Carillon is taken up by the next one", async () => {
  const directory = dataDirectory();
  const first = owner(directory);
  const { connectionString = "", serverPid } = await first.outcome();
  await remember(connectionString, "before");
  await first.kill("SIGKILL");
  const second = await start(directory);
  expect(second.attached).toBe(true);
  expect(second.serverPid()).toBe(serverPid);
  expect(await recall(second.connectionString)).toEqual(["before"]);
});

test("a killed server is started again under a living Carillon, and lost nothing", async () => {
  const directory = dataDirectory();
  const postgres = await start(directory);
  await remember(postgres.connectionString, "acknowledged");
  const killed = postgres.serverPid();
  process.kill(killed, "SIGKILL");
  await waitFor(() => postgres.serverPid() !== killed, {
    timeoutMs: 25_000,
    describe: "another server process",
  });
  expect(await recall(postgres.connectionString)).toEqual(["acknowledged"]);
  expect(postgres.notices).toEqual([
    "The database server ended unexpectedly and is being restarted.",
  ]);
});

test("a crash of one server process is survived, and the directory stays ours", async () => {
  const directory = dataDirectory();
  const postgres = await start(directory);
  await remember(postgres.connectionString, "acknowledged");
  const { rows } = await use(postgres.connectionString, (db) =>
    db.query<{ pid: number }>(
      "select pid from pg_stat_activity where application_name like 'carillon process %'",
    ),
  );
  // The session that holds our claim. The server restarts all of its sessions and recovers.
  process.kill(rows[0]?.pid ?? 0, "SIGKILL");
  await waitFor(() => postgres.notices.length > 0, { describe: "the break to be noticed" });
  await waitFor(() => recall(postgres.connectionString).catch(() => null), {
    describe: "the server to answer again",
  });
  const refused = await owner(directory).outcome();
  expect(refused.message).toContain(`is in use by carillon process ${process.pid}`);
});

test("stopping in the middle of a restart leaves no server behind", async () => {
  const directory = dataDirectory();
  const postgres = await start(directory);
  process.kill(postgres.serverPid(), "SIGKILL");
  await waitFor(() => postgres.notices.length > 0, { describe: "the break to be noticed" });
  await postgres.stop();
  expect(serverPidIn(directory)).toBeNull();
});

test("a server killed together with its Carillon is started again by the next one", async () => {
  const directory = dataDirectory();
  const first = owner(directory);
  const { connectionString = "", serverPid = 0 } = await first.outcome();
  await remember(connectionString, "acknowledged");
  process.kill(serverPid, "SIGKILL");
  await first.kill("SIGKILL");
  const second = await start(directory);
  expect(second.attached).toBe(false);
  expect(await recall(second.connectionString)).toEqual(["acknowledged"]);
});

test("a second Carillon on a directory in use is told by whom, and harms nothing", async () => {
  const directory = dataDirectory();
  const first = await start(directory);
  const refused = await owner(directory).outcome();
  expect(refused.kind).toBe("failed");
  expect(refused.message).toContain(
    `The data directory ${directory} is in use by carillon process ${process.pid}.`,
  );
  await remember(first.connectionString, "still here");
});

/** What a data directory holds, the linked programs of an unreachable checkout left out. */
function listHome(home: string): string[] {
  return readdirSync(home)
    .filter((name) => !name.startsWith("binaries-"))
    .toSorted();
}

test("of several that start at once on a fresh directory, one gets it", async () => {
  const directory = dataDirectory();
  const outcomes = await Promise.all([1, 2, 3].map(() => owner(directory).outcome()));
  expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["failed", "failed", "started"]);
  for (const failed of outcomes.filter(({ kind }) => kind === "failed")) {
    expect(failed.message).toContain("is in use by carillon process");
  }
  expect(listHome(join(directory, "postgres"))).toEqual(["cluster", "server.log", "socket"]);
});

test("a first start that was killed half-way leaves nothing in the way of the next", async () => {
  const directory = dataDirectory();
  const first = owner(directory);
  const home = join(directory, "postgres");
  const isUnderWay = (): boolean => {
    const unfinished = join(home, `cluster.unfinished-${first.child.pid}`);
    try {
      return readdirSync(unfinished).length > 0;
    } catch {
      return false;
    }
  };
  await waitFor(isUnderWay, { describe: "initdb at work" });
  await first.kill("SIGKILL");
  const second = await start(directory);
  await remember(second.connectionString, "fine");
  await second.stop();
  // The orphaned initdb may have written on for a moment; by the start after that it is gone.
  const third = await start(directory);
  expect(await recall(third.connectionString)).toEqual(["fine"]);
  expect(listHome(home)).toEqual(["cluster", "server.log", "socket"]);
});

test("a pid file whose number belongs to another program by now is no obstacle", async () => {
  const directory = dataDirectory();
  const first = await start(directory);
  await remember(first.connectionString, "kept");
  await first.stop();
  // As in a restarted container, where numbers are given out again from 1.
  const lines = [process.pid, join(directory, "postgres/cluster"), 1_700_000_000, 5432, "/nowhere"];
  writeFileSync(join(directory, "postgres/cluster/postmaster.pid"), `${lines.join("\n")}\n`);
  const second = await start(directory);
  expect(await recall(second.connectionString)).toEqual(["kept"]);
});

test.for([
  ["97", "was made by PostgreSQL 97, this Carillon brings PostgreSQL 18. Start the newer Carillon"],
  ["15", "was made by PostgreSQL 15, this Carillon brings PostgreSQL 18. Export with the older"],
] as const)("data of PostgreSQL %s is refused with what to do", async ([major, message]) => {
  const directory = dataDirectory();
  const first = await start(directory);
  await first.stop();
  const versionFile = join(directory, "postgres/cluster/PG_VERSION");
  const original = readFileSync(versionFile, "utf8");
  writeFileSync(versionFile, `${major}\n`);
  await expect(start(directory)).rejects.toThrow(message);
  writeFileSync(versionFile, original);
  await start(directory);
});

test("with a path too long for a socket, the socket is in the temporary directory", async () => {
  const directory = join(dataDirectory(), "long-".repeat(20));
  mkdirSync(directory, { mode: 0o711 });
  const postgres = await start(directory);
  const socketDirectory = new URL(postgres.connectionString).searchParams.get("host") ?? "";
  expect(socketDirectory.startsWith(join(tmpdir(), "carillon-socket-"))).toBe(true);
  await remember(postgres.connectionString, "reached");
  const killed = postgres.serverPid();
  process.kill(killed, "SIGKILL");
  await waitFor(() => postgres.serverPid() !== killed, {
    timeoutMs: 25_000,
    describe: "another server process",
  });
  expect(await recall(postgres.connectionString)).toEqual(["reached"]);
  await postgres.stop();
  expect(readdirSync(tmpdir()).map((name) => join(tmpdir(), name))).not.toContain(socketDirectory);
});

test("programs that are not there, or do not run, are refused by the setting's name", async () => {
  const attempt = startEmbeddedPostgres({
    dataDirectory: dataDirectory(),
    isDefaultDirectory: false,
    binariesDirectory: "/nonexistent",
    onNotice: () => {},
    onLost: () => {},
  });
  await expect(attempt).rejects.toThrow("CARILLON_PG_BINARIES=/nonexistent");
});

test("a server that refuses its settings is reported in its own words, at once", async () => {
  const attempt = startEmbeddedPostgres({
    dataDirectory: dataDirectory(),
    isDefaultDirectory: false,
    binariesDirectory: null,
    settings: { no_such_setting: "1" },
    onNotice: () => {},
    onLost: () => {},
  });
  await expect(attempt).rejects.toThrow(/did not start[\s\S]*no_such_setting/);
});
