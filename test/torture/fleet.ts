// The servers under torture, each with lines of its own to the database and to the carrier, started
// again whenever they end, as a supervisor does. In front of them the one address the carrier
// knows, as a load balancer is.

import { randomInt } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { openCarrierLine, type SeenCreate } from "./carrier-line.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import type { TortureCluster } from "./torture-cluster.ts";

/** One of the servers is wrong about the time by this much. */
const SKEW_MS = 7 * 60_000;
/** Below the ports that connections get by themselves: it must still be free after a kill. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
/** A supervisor does not start a server again in the same instant. */
const RESTART_PAUSE_MS = 100;
/** A server is worth killing once it has placed a call; longer than this nobody waits for one. */
const WORKING_LIMIT_MS = 20_000;
/** A server that was asked to end must have ended by then: docs/failure-modes.md. */
export const MAX_STOP_MS = 30_000;

/** What a server is to be killed in the middle of. */
export type Ambush = "before the request" | "before the commit";

export interface AmbushRecord {
  readonly kind: Ambush;
  readonly to: string;
  readonly carrierCallId: string | null;
  /** What the server had said to its database after the answer, held on the line when it died. */
  readonly heldBytes: number;
}

export interface Member {
  readonly name: string;
  readonly database: TcpProxy;
  readonly carrier: TcpProxy;
  /** Null while it is down. */
  server: ServerProcess | null;
  /** It has placed a call since it was started. */
  isWorking: boolean;
  /** What the next create it writes runs into; taken away when it struck. */
  ambush: { readonly kind: Ambush } | null;
  readonly creates: SeenCreate[];
}

export interface Fleet {
  readonly members: readonly Member[];
  readonly ambushes: readonly AmbushRecord[];
  /** Waits until the server works, as long as that can be hoped for. */
  untilWorking(member: Member): Promise<void>;
  /** kill -9; false when it was down already. */
  kill(member: Member): boolean;
  /** SIGTERM; answers how long it took to end, ms. */
  stopGently(member: Member): Promise<number | null>;
  /** Ends all of them for good. */
  stop(): Promise<void>;
}

export interface FleetOptions {
  readonly size: number;
  /** For their files; whoever made it removes it. */
  readonly directory: string;
  readonly cluster: TortureCluster;
  /** Where the simulator is. */
  readonly simulatorPort: number;
  readonly modelPort: number;
  readonly onPlaced: (member: Member, create: SeenCreate) => void;
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const members: Member[] = [];
  const ambushes: AmbushRecord[] = [];
  const dataDirectory = join(options.directory, "servers");
  const front = await openFront(members);
  const settings = {
    CARILLON_DATA_DIR: dataDirectory,
    CARILLON_ENCRYPTION_KEY: "ab".repeat(32),
    CARILLON_MAX_VOICE_SESSIONS: "400",
    CARILLON_PUBLIC_URL: `http://127.0.0.1:${front.port}`,
    CARILLON_MODEL: "openai-compatible:scripted-agent",
    CARILLON_MODEL_BASE_URL: `http://127.0.0.1:${options.modelPort}/v1`,
    CARILLON_LOG_LEVEL: "error",
    // A server that is started a hundred times is compiled once.
    NODE_COMPILE_CACHE: join(options.directory, "compiled"),
  };
  let isStopping = false;
  const keepers: Promise<void>[] = [];

  const kill = (member: Member): boolean => {
    if (member.server === null) return false;
    process.kill(member.server.pid, "SIGKILL");
    takeDown(member);
    return true;
  };

  const startOne = async (index: number): Promise<void> => {
    const member = await openMember(index, options, { kill, ambushes });
    members[index] = member;
    const own = {
      ...settings,
      CARILLON_PORT: String(FIRST_PORT + randomInt(PORTS)),
      DATABASE_URL: options.cluster.addressAt(member.database.port),
      TWILIO_API_BASE_URL: `http://127.0.0.1:${member.carrier.port}`,
      ...(index === options.size - 1 ? skewed() : {}),
    };
    member.server = await startServerProcess(own);
    keepers.push(keep(member, own, () => isStopping));
  };
  const cut = (): void => {
    for (const member of members)
      if (member.server !== null) process.kill(member.server.pid, "SIGKILL");
  };
  process.once("exit", cut);
  await startOne(0);
  await Promise.all(Array.from({ length: options.size - 1 }, (_, index) => startOne(index + 1)));
  return {
    members,
    ambushes,
    kill,
    untilWorking: async (member) => {
      const deadline = performance.now() + WORKING_LIMIT_MS;
      while (!member.isWorking && performance.now() < deadline) await delay(20);
    },
    stopGently: async (member) => {
      const { server } = member;
      if (server === null) return null;
      member.isWorking = false;
      const startedAt = performance.now();
      await server.end("SIGTERM");
      return performance.now() - startedAt;
    },
    stop: async () => {
      isStopping = true;
      process.off("exit", cut);
      await Promise.all(members.map(async (member) => member.server?.end("SIGTERM")));
      await Promise.all(keepers);
      await Promise.all(
        members.flatMap(({ database, carrier }) => [database.close(), carrier.close()]),
      );
      await front.close();
    },
  };
}

async function openMember(
  index: number,
  { cluster, simulatorPort, onPlaced }: FleetOptions,
  parts: { kill(member: Member): boolean; readonly ambushes: AmbushRecord[] },
): Promise<Member> {
  let isStriking = false;
  const database = await openTcpProxy(() => ({ path: cluster.socketPath }));
  const carrier = await openCarrierLine(() => ({ port: simulatorPort, host: "127.0.0.1" }), {
    createWritten: (create) => {
      member.creates.push(create);
      if (member.ambush?.kind !== "before the request") return true;
      member.ambush = null;
      parts.kill(member);
      parts.ambushes.push({
        kind: "before the request",
        to: create.to,
        carrierCallId: null,
        heldBytes: 0,
      });
      return false;
    },
    createAnswered: (create) => {
      if (create.status !== 201) return;
      if (member.ambush?.kind === "before the commit" && !isStriking) {
        isStriking = true;
        killBeforeCommit(member, create)
          .catch((error: unknown) => {
            console.error("an ambush failed:", error);
          })
          .finally(() => {
            isStriking = false;
          });
      } else {
        member.isWorking = true;
        onPlaced(member, create);
      }
    },
  });

  // The answer passes, and what the server then says to its database does not.
  const killBeforeCommit = async (victim: Member, create: SeenCreate): Promise<void> => {
    database.hold();
    const deadline = performance.now() + 1_000;
    while (database.heldBytes() === 0 && performance.now() < deadline) await delay(1);
    // The first bytes may be of something else that the server does: a moment for its own.
    await delay(20);
    const heldBytes = database.heldBytes();
    if (heldBytes === 0) {
      // It had nothing to say just then: the next one.
      database.release();
      return;
    }
    victim.ambush = null;
    parts.kill(victim);
    database.cut();
    database.release();
    const { to, carrierCallId } = create;
    parts.ambushes.push({ kind: "before the commit", to, carrierCallId, heldBytes });
  };

  const member: Member = {
    name: `server ${index + 1}`,
    database,
    carrier,
    server: null,
    isWorking: false,
    ambush: null,
    creates: [],
  };
  return member;
}

/** Starts the server again whenever it ends. It may fail to start: then once more. */
async function keep(
  member: Member,
  settings: Readonly<Record<string, string>>,
  isStopping: () => boolean,
): Promise<void> {
  for (;;) {
    const { server } = member;
    if (server !== null) await server.ended();
    if (isStopping()) return;
    takeDown(member);
    await delay(RESTART_PAUSE_MS);
    member.server = await startServerProcess(settings).catch(() => null);
    if (isStopping()) await member.server?.end("SIGTERM");
  }
}

function takeDown(member: Member): void {
  member.server = null;
  member.isWorking = false;
}

function skewed(): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, "skew-clock.ts")}`,
    TORTURE_CLOCK_SKEW_MS: String(SKEW_MS),
  };
}

function openFront(members: readonly Member[]): Promise<TcpProxy> {
  let turn = 0;
  return openTcpProxy(() => {
    const up = members.flatMap(({ server }) => (server === null ? [] : [server]));
    turn += 1;
    const chosen = up[turn % Math.max(1, up.length)];
    return chosen === undefined
      ? null
      : { port: Number(new URL(chosen.url).port), host: "127.0.0.1" };
  });
}
