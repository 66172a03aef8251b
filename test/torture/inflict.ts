// Carries out one planned fault from its beginning to its end. Each answers whether anything was
// done: a server that is down cannot be killed.

import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../../src/ports/database.ts";
import type { CarrierProcess } from "./carrier-process.ts";
import type { PlannedFault } from "./fault-plan.ts";
import type { Ambush, Fleet, Member } from "./fleet.ts";
import type { TcpProxy } from "./tcp-proxy.ts";
import type { TortureCluster } from "./torture-cluster.ts";

export interface Victims {
  readonly fleet: Fleet;
  readonly cluster: TortureCluster;
  readonly carrier: CarrierProcess;
  /** How long each server took that was asked to end, ms. */
  readonly gentleStopsMs: number[];
}

/** An ambush that nobody runs into is given up after this, and the server killed all the same. */
const AMBUSH_PATIENCE_MS = 40_000;
const SLOW_MS = 60;

export async function inflict(victims: Victims, fault: PlannedFault): Promise<boolean> {
  const { fleet, cluster, carrier } = victims;
  const member = fleet.members[fault.member];
  if (member === undefined) throw new Error("there is no such server");
  switch (fault.kind) {
    case "kill server":
      await fleet.untilWorking(member);
      return fleet.kill(member);
    case "kill server before its request":
      return ambush(fleet, member, "before the request");
    case "kill server before its commit":
      return ambush(fleet, member, "before the commit");
    case "kill database":
      await cluster.killServer();
      return true;
    case "kill a connection's process":
      await cluster.killBackend();
      return true;
    case "kill carrier":
      await carrier.killAndRestart(fleet.members.map((each) => each.carrier));
      return true;
    case "cut every connection to the database":
      await cluster.terminateConnections();
      return true;
    case "cut a server's connections to the database":
      member.database.cut();
      return true;
    case "cut a server's connections to the carrier":
      member.carrier.cut();
      return true;
    case "end server gently":
      return endGently(victims, member);
    case "stop server longer than a lease":
      return stopProcess(member.server?.pid, fault.durationMs);
    case "stop carrier":
      return stopProcess(carrier.pid(), fault.durationMs);
    case "deadlocks":
      await provokeDeadlocks(cluster.admin, fault.durationMs);
      return true;
    case "carrier line hangs":
      await forAWhile(fault, (isOn) => holdLine(member.carrier, isOn));
      return true;
    case "database line hangs":
      await forAWhile(fault, (isOn) => holdLine(member.database, isOn));
      return true;
    case "database slow":
      await forAWhile(fault, (isOn) => {
        for (const each of fleet.members) each.database.setLatency(isOn ? SLOW_MS : 0);
      });
      return true;
    case "database read-only":
      await forAWhile(fault, (isOn) => cluster.setReadOnly(isOn));
      return true;
    case "database full":
      await forAWhile(fault, (isOn) => cluster.setDiskFull(isOn));
      return true;
    case "no connections left":
      await forAWhile(fault, (isOn) => cluster.setOutOfConnections(isOn));
      return true;
  }
}

/** What is switched on, lasts, and is switched off again. */
async function forAWhile(
  { durationMs }: PlannedFault,
  set: (isOn: boolean) => Promise<void> | void,
): Promise<void> {
  await set(true);
  await delay(durationMs);
  await set(false);
}

function holdLine(line: TcpProxy, isHeld: boolean): void {
  if (isHeld) line.hold();
  else line.release();
}

async function ambush(fleet: Fleet, member: Member, kind: Ambush): Promise<boolean> {
  await fleet.untilWorking(member);
  const deadline = performance.now() + AMBUSH_PATIENCE_MS;
  // One after the other.
  while (member.ambush !== null && performance.now() < deadline) await delay(20);
  const ambushed = { kind };
  member.ambush = ambushed;
  while (member.ambush === ambushed && performance.now() < deadline) await delay(20);
  if (member.ambush !== ambushed) return true;
  member.ambush = null;
  return fleet.kill(member);
}

async function endGently({ fleet, gentleStopsMs }: Victims, member: Member): Promise<boolean> {
  const tookMs = await fleet.stopGently(member);
  if (tookMs === null) return false;
  gentleStopsMs.push(tookMs);
  return true;
}

async function stopProcess(pid: number | undefined, durationMs: number): Promise<boolean> {
  if (pid === undefined) return false;
  if (!signal(pid, "SIGSTOP")) return false;
  await delay(durationMs);
  signal(pid, "SIGCONT");
  return true;
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    // It was killed meanwhile.
    return false;
  }
}

// Locks what the engine locks in id order, in the opposite order, again and again: either side may
// be the victim.
async function provokeDeadlocks(admin: Database, durationMs: number): Promise<void> {
  const until = performance.now() + durationMs;
  while (performance.now() < until) {
    await admin
      .transaction(async (tx) => {
        const { rows } = await tx.query<{ id: string }>(
          "select id from calls where open order by id desc limit 40",
        );
        for (const { id } of rows) {
          await tx.query("select id from calls where id = $1 for update", [id]);
        }
      })
      .catch(() => {});
  }
}
