// The server's main process, the postmaster: found if it lives, started if it does not. It is
// started in a session of its own, so that neither Ctrl-C nor our death takes it along; a later
// start finds it by its pid file. Two servers must never run on one cluster, so before starting one
// we also knock at the socket that the pid file names.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ServerBinaries } from "./embedded-postgres-binaries.ts";
import { SERVER_ENVIRONMENT } from "./embedded-postgres-cluster.ts";
import {
  removeTemporarySocketDirectory,
  SOCKET_PORT,
  type ServerPlace,
} from "./embedded-postgres-place.ts";
import { asUser } from "./embedded-postgres-user.ts";

/** A server that accepts connections. */
export interface RunningServer {
  readonly pid: number;
  readonly socketDirectory: string;
  /** False when it was running before we looked. */
  readonly isStartedByUs: boolean;
}

/** The pid file as far as it is written: its last line comes when the server is ready. */
interface PidFile {
  readonly text: string;
  readonly pid: number;
  readonly socketDirectory: string;
  readonly status: string;
}

export interface ServerLaunch {
  readonly place: ServerPlace;
  readonly binaries: ServerBinaries;
  /** Server settings over ours, as on PostgreSQL's command line. */
  readonly settings: Readonly<Record<string, string>>;
  /** Asked only when a server has to be started. */
  readonly socketDirectory: () => string;
}

// A readiness poll; the server starts in about 25 ms.
const POLL_MS = 20;
// Replaying the log after a crash takes up to a second or two at our settings; a slow disk gets a
// hundred times that.
const START_LIMIT_MS = 300_000;
// After a postmaster was killed, a start fails until its children have noticed: measured 0.5–2 s.
const LEFTOVER_LIMIT_MS = 20_000;
const LEFTOVER_RETRY_MS = 200;
const KNOCK_LIMIT_MS = 1_000;
// A fast shutdown writes a checkpoint; an immediate one writes nothing and recovers at the next
// start.
const FAST_STOP_LIMIT_MS = 10_000;
const IMMEDIATE_STOP_LIMIT_MS = 5_000;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * The server of the cluster, started if none runs. Waits for one that is starting, recovering or
 * stopping.
 * @throws Error with the server's last words when it cannot be started
 */
export async function reachServer(launch: ServerLaunch): Promise<RunningServer> {
  const { cluster } = launch.place;
  const startedAt = performance.now();
  let attempt: StartAttempt | null = null;
  let hasLeftovers = false;
  for (;;) {
    const file = readPidFile(cluster);
    if (file !== null && (await isServerAlive(file, cluster))) {
      if (file.status === "ready") {
        const isStartedByUs = attempt?.child.pid === file.pid;
        return { pid: file.pid, socketDirectory: file.socketDirectory, isStartedByUs };
      }
    } else if (attempt === null || attempt.hasEnded()) {
      const elapsedMs = performance.now() - startedAt;
      if (attempt !== null) {
        if (!hasLeftovers || elapsedMs > LEFTOVER_LIMIT_MS) throw attempt.failure();
        await delay(LEFTOVER_RETRY_MS);
      }
      hasLeftovers ||= file !== null;
      if (file !== null) {
        removeForeignPidFile(file, cluster);
        if (file.socketDirectory !== launch.socketDirectory()) {
          removeTemporarySocketDirectory(file.socketDirectory);
        }
      }
      attempt = await startPostmaster(launch);
    }
    if (performance.now() - startedAt > START_LIMIT_MS) {
      throw new Error(
        `The database in ${cluster} was not ready after ${START_LIMIT_MS / 1000} s. ` +
          `Its log: ${logPath(launch.place)}`,
      );
    }
    await delay(POLL_MS);
  }
}

/**
 * Stops a server: fast shutdown, then immediate shutdown. Bounded; idempotent.
 * @throws Error when it survives both
 */
export async function stopServer(server: RunningServer, cluster: string): Promise<void> {
  for (const [signal, limitMs] of [
    ["SIGINT", FAST_STOP_LIMIT_MS],
    ["SIGQUIT", IMMEDIATE_STOP_LIMIT_MS],
  ] as const) {
    if (!isPostmaster(server.pid, cluster)) return;
    process.kill(server.pid, signal);
    const deadline = performance.now() + limitMs;
    while (performance.now() < deadline) {
      if (!isPostmaster(server.pid, cluster)) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`The database server (process ${server.pid}) did not stop.`);
}

interface StartAttempt {
  readonly child: ChildProcess;
  hasEnded(): boolean;
  failure(): Error;
}

async function startPostmaster(launch: ServerLaunch): Promise<StartAttempt> {
  const { place, binaries } = launch;
  const log = openLog(place);
  const logStart = fstatSync(log).size;
  try {
    const settings = { ...fixedSettings(launch.socketDirectory()), ...launch.settings };
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const child = spawn(
      join(binaries.directory, "bin", "postgres"),
      ["-D", place.cluster, ...args],
      {
        ...asUser(place.user),
        cwd: place.cluster,
        env: SERVER_ENVIRONMENT,
        detached: true,
        stdio: ["ignore", log, log],
      },
    );
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
    return {
      child,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      failure: () => startFailure(place, child, logStart),
    };
  } finally {
    closeSync(log);
  }
}

function fixedSettings(socketDirectory: string): Record<string, string> {
  return {
    listen_addresses: "",
    port: String(SOCKET_PORT),
    unix_socket_directories: socketDirectory,
    unix_socket_permissions: "0700",
    // Two pools of one Carillon, its listeners and a visitor's own tools.
    max_connections: "100",
    // An acknowledged write survives a power cut: who was called must never be forgotten.
    fsync: "on",
    synchronous_commit: "on",
    full_page_writes: "on",
    // Phone numbers stand in statements and in the details of errors: neither goes to the log.
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    cluster_name: "carillon",
  };
}

function startFailure(place: ServerPlace, child: ChildProcess, logStart: number): Error {
  const said = readFileSync(logPath(place)).subarray(logStart).toString("utf8").trim().slice(-2000);
  const how = child.signalCode ?? `exit status ${child.exitCode}`;
  return new Error(`The database in ${place.cluster} did not start (${how}). It said:\n${said}`);
}

function logPath(place: ServerPlace): string {
  return join(place.home, "server.log");
}

function openLog(place: ServerPlace): number {
  const path = logPath(place);
  // Never through a link: as root we write in a directory that belongs to somebody else.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const log = openSync(path, flags, 0o600);
  if (fstatSync(log).size <= MAX_LOG_BYTES) return log;
  closeSync(log);
  renameSync(path, `${path}.1`);
  return openSync(path, flags, 0o600);
}

function readPidFile(cluster: string): PidFile | null {
  let text: string;
  try {
    text = readFileSync(join(cluster, "postmaster.pid"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const lines = text.split("\n");
  return {
    text,
    pid: Number.parseInt(lines[0] ?? "", 10) || 0,
    socketDirectory: lines[4] ?? "",
    status: (lines[7] ?? "").trim(),
  };
}

async function isServerAlive(file: PidFile, cluster: string): Promise<boolean> {
  if (isPostmaster(file.pid, cluster)) return true;
  // A process in another container that shares this directory has no number here, but its socket
  // answers.
  return file.socketDirectory !== "" && (await doesSocketAnswer(file.socketDirectory));
}

/**
 * Whether process `pid` is a server on `cluster`. A number alone proves nothing: it may have been
 * given out again.
 */
function isPostmaster(pid: number, cluster: string): boolean {
  if (pid <= 1) return false;
  if (process.platform === "linux") {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
    } catch {
      return false;
    }
  }
  const answer = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return answer.status === 0 && answer.stdout.includes("postgres");
}

function doesSocketAnswer(directory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(join(directory, `.s.PGSQL.${SOCKET_PORT}`));
    const settle = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(KNOCK_LIMIT_MS, () => settle(false));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

/**
 * Removes a pid file whose number now belongs to some other program (in a restarted container that
 * is common): PostgreSQL would take that program for a server and refuse to start. One whose number
 * is free is its own affair.
 */
function removeForeignPidFile(file: PidFile, cluster: string): void {
  const isNumberTaken = (() => {
    try {
      process.kill(file.pid, 0);
      return true;
    } catch {
      return false;
    }
  })();
  if (!isNumberTaken || readPidFile(cluster)?.text !== file.text) return;
  rmSync(join(cluster, "postmaster.pid"), { force: true });
}
