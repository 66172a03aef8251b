// One torture from its beginning to its ledger: several servers, their database and their carrier
// as processes of their own, a user who wants ever more people called, and a plan of what goes
// wrong. When the time is over everything heals, and everybody must be settled.

import { rmSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import type { PersonaRates } from "../../src/simulator/people/persona.ts";
import { makeTenant } from "../support/campaign-set-up.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { startCarrierProcess, startModelProcess } from "./carrier-process.ts";
import { drawFaults, KILLS, type FaultKind, type PlannedFault } from "./fault-plan.ts";
import { MAX_STOP_MS, startFleet, type Fleet } from "./fleet.ts";
import { inflict, type Victims } from "./inflict.ts";
import { drawLedger, type Ledger } from "./ledger.ts";
import { createRecoveryWatch, type RecoveryOfKind, type RecoveryWatch } from "./recovery.ts";
import { createTortureClient } from "./torture-client.ts";
import { startTortureCluster } from "./torture-cluster.ts";
import { readProgress, readTables } from "./torture-tables.ts";
import { startTortureUser } from "./torture-user.ts";

export interface TortureOptions {
  readonly seed: number;
  readonly minutes: number;
  /** At least so many people are called. */
  readonly recipients: number;
  readonly concurrentCalls: number;
  readonly callsPerSecond: number;
  readonly servers: number;
  readonly onProgress: (line: string) => void;
}

export interface TortureReport {
  readonly ledger: Ledger;
  readonly kills: Readonly<Record<string, number>>;
  readonly disturbances: Readonly<Record<string, number>>;
  readonly recovery: readonly RecoveryOfKind[];
  readonly answers: ReadonlyMap<number, number>;
  readonly longestStopMs: number;
  readonly faultsLastedMs: number;
  readonly lastedMs: number;
  readonly mostCreatesInOneSecond: number;
  readonly observerLagMs: number;
  /** Rules of the ledger, of the API and of the end of a process. */
  readonly broken: readonly string[];
}

/** What the carrier does to us all the time. */
export const CARRIER_FAULTS: FaultsInput = {
  create: { hang_after_accept: { probability: 0.02 } },
  callbacks: {
    lost: { probability: 0.2 },
    doubled: { probability: 0.2 },
    late: { probability: 0.2 },
  },
  list: { foreign: { probability: 0 } },
};
const HEALED: FaultsInput = { list: { foreign: { probability: 0 } } };

// Everybody there is, with short talks: the subject is dialing.
const PEOPLE: PersonaRates = {
  terse: 0.12,
  hang_up_early: 0.15,
  opts_out: 0.02,
  silent: 0.02,
  voicemail: 0.1,
  no_answer: 0.2,
  busy: 0.17,
  rejected: 0.12,
  invalid_number: 0.05,
  carrier_failure: 0.05,
};
const SPEED = 20;
/** A torture that does less proves less, and says so. */
const MIN_KILLS_A_MINUTE = 10;
const MIN_AMBUSHES = 2;

export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const startedAt = performance.now();
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  const recovery = createRecoveryWatch();
  const directory = makeTemporaryDataDirectory("carillon-torture-");
  const removeDirectory = (): void => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
  process.once("exit", removeDirectory);
  const stops: (() => Promise<unknown> | void)[] = [removeDirectory];
  try {
    const cluster = await startTortureCluster(directory);
    stops.push(() => cluster.stop());
    const { seed, callsPerSecond, concurrentCalls } = options;
    const settings = { directory, seed, speed: SPEED, callsPerSecond, rates: PEOPLE };
    const carrier = await startCarrierProcess({ ...settings, faults: HEALED });
    const model = await startModelProcess(directory);
    stops.push(() => model.stop());
    const fleet = await startFleet({
      size: options.servers,
      directory,
      cluster,
      simulatorPort: carrier.port,
      modelPort: model.port,
      onPlaced: (_member, create) => recovery.placed(create.writtenAt),
    });
    let isFleetUp = true;
    const stopFleet = async (): Promise<void> => {
      if (isFleetUp) await fleet.stop();
      isFleetUp = false;
    };
    stops.push(stopFleet);
    const first = fleet.members[0]?.server;
    if (first === null || first === undefined) throw new Error("no server is up");
    const tenant = await makeTenant(first, { concurrentCalls, callsPerSecond });
    const client = createTortureClient(fleet, tenant);
    const user = startTortureUser({
      client,
      recovery,
      recipients: options.recipients,
      look: () => readProgress(cluster.admin),
      onProgress: options.onProgress,
    });
    stops.push(() => user.stop());
    await user.someSettled;
    await carrier.setFaults(CARRIER_FAULTS);

    const victims: Victims = { fleet, cluster, carrier, gentleStopsMs: [] };
    const faultsBeganAt = performance.now();
    const tally = await inflictAll(options, victims, recovery);
    const faultsLastedMs = performance.now() - faultsBeganAt;
    options.onProgress("the faults are over; everybody must be settled now");
    await carrier.setFaults(HEALED);
    await user.settle();
    await stopFleet();
    const books = await carrier.closeBooks();
    const mostCreatesInOneSecond = mostInOneSecond(fleet);
    const observerLagMs = lag.max / 1e6;
    const { ambushes } = fleet;
    const ledger = drawLedger({
      phones: user.phones(),
      books,
      tables: await readTables(cluster.admin),
      ambushes,
      limits: { concurrentCalls, callsPerSecond },
      mostCreatesInOneSecond,
      observerLagMs,
    });
    const longestStopMs = Math.max(0, ...victims.gentleStopsMs);
    return {
      ledger,
      ...tally,
      recovery: recovery.report(),
      answers: client.answers,
      longestStopMs,
      faultsLastedMs,
      lastedMs: performance.now() - startedAt,
      mostCreatesInOneSecond,
      observerLagMs,
      broken: [
        ...ledger.broken,
        ...client.broken,
        ...doneTooLittle(options.minutes, tally.kills, ledger),
        ...(longestStopMs > MAX_STOP_MS ? [`a server took ${longestStopMs} ms to end`] : []),
      ],
    };
  } finally {
    for (const stop of stops.toReversed()) await stop();
    lag.disable();
  }
}

async function inflictAll(options: TortureOptions, victims: Victims, recovery: RecoveryWatch) {
  const random = seededRandom(options.seed);
  const plan = drawFaults(random, { minutes: options.minutes, members: options.servers });
  const kills: Record<string, number> = {};
  const disturbances: Record<string, number> = {};
  const beganAt = performance.now();
  const running: Promise<void>[] = [];
  const one = async (fault: PlannedFault): Promise<void> => {
    recovery.began(fault.kind);
    if (!(await inflict(victims, fault))) return;
    const tally = isKill(fault.kind) ? kills : disturbances;
    tally[fault.kind] = (tally[fault.kind] ?? 0) + 1;
  };
  for (const fault of plan) {
    await delay(Math.max(0, beganAt + fault.atMs - performance.now()));
    const done = Object.values(kills).reduce((sum, count) => sum + count, 0);
    const seconds = Math.round((performance.now() - beganAt) / 1_000);
    options.onProgress(`${seconds} s, ${done} kills: ${fault.kind}`);
    running.push(one(fault));
  }
  await Promise.all(running);
  const restMs = beganAt + options.minutes * 60_000 - performance.now();
  if (restMs > 0) await delay(restMs);
  return { kills, disturbances };
}

function doneTooLittle(
  minutes: number,
  kills: Readonly<Record<string, number>>,
  ledger: Ledger,
): readonly string[] {
  const ambushes = {
    "gate and request": ledger.killedBetweenGateAndRequest,
    "answer and commit": ledger.killedBetweenAnswerAndCommit,
  };
  const count = Object.values(kills).reduce((sum, each) => sum + each, 0);
  const wanted = Math.floor(minutes * MIN_KILLS_A_MINUTE);
  return [
    ...(count < wanted ? [`only ${count} kills, ${wanted} were wanted`] : []),
    ...Object.entries(ambushes)
      .filter(([, found]) => found < MIN_AMBUSHES)
      .map(([between, found]) => `only ${found} kills between ${between}`),
  ];
}

function isKill(kind: FaultKind): boolean {
  return (KILLS as readonly string[]).includes(kind);
}

function mostInOneSecond(fleet: Fleet): number {
  const instants = fleet.members
    .flatMap(({ creates }) => creates.map(({ writtenAt }) => writtenAt))
    .sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [last, at] of instants.entries()) {
    while ((instants[first] ?? at) <= at - 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
