// Whole products against the simulator, as a user runs them: one that can be killed and started
// again on its data, or two on one database.

import { rmSync } from "node:fs";
import { onTestFinished } from "vitest";
import { startStandaloneSimulator } from "../../src/app/standalone-simulator.ts";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator-options.ts";
import { accountWith } from "./campaign-set-up.ts";
import { startServerProcess, type ServerProcess } from "./server-process.ts";
import type { TestDatabase } from "./test-database.ts";

/** A carrier without calls of other people's in its list, talking twenty times as fast. */
export async function startCarrier(
  callsPerSecond: number,
  options: Partial<SimulatorOptions> = {},
): Promise<Simulator> {
  const { simulator } = await startStandaloneSimulator({
    port: 0,
    speed: 20,
    accounts: [accountWith(callsPerSecond)],
    faults: { list: { foreign: { probability: 0 } } },
    ...options,
  });
  onTestFinished(() => simulator.close());
  return simulator;
}

function settingsFor(simulator: Simulator): Readonly<Record<string, string>> {
  return {
    CARILLON_DATA_DIR: makeTemporaryDataDirectory("carillon-race-"),
    TWILIO_API_BASE_URL: simulator.url,
    CARILLON_MODEL: "openai-compatible:scripted-agent",
    CARILLON_MODEL_BASE_URL: `${simulator.url}/v1`,
  };
}

export interface RestartableServer {
  /** The one that runs now, or was the last to run. */
  readonly server: ServerProcess;
  /** As the server was started, for commands beside it. */
  readonly settings: Readonly<Record<string, string>>;
  /**
   * Starts it again on its data, at the same port: the carrier still knows the old address.
   * `dataDirectory`: on other data.
   */
  restart(dataDirectory?: string): Promise<void>;
}

/** A server with its embedded database, in a data directory of its own. */
export async function startRestartable(
  simulator: Simulator,
  more: Readonly<Record<string, string>> = {},
): Promise<RestartableServer> {
  const settings = { ...settingsFor(simulator), ...more };
  let server = await startServerProcess(settings);
  onTestFinished(async () => {
    // In order, so that the embedded database stops with its server.
    await server.end("SIGTERM");
    rmSync(settings["CARILLON_DATA_DIR"] ?? "", { recursive: true, force: true });
  });
  return {
    settings,
    get server() {
      return server;
    },
    restart: async (dataDirectory) => {
      const port = new URL(server.url).port;
      const moved = dataDirectory === undefined ? {} : { CARILLON_DATA_DIR: dataDirectory };
      server = await startServerProcess({ ...settings, ...moved, CARILLON_PORT: port });
    },
  };
}

/** Two servers on one database; what still runs at the end is killed. */
export function startTwoServers(
  simulator: Simulator,
  db: TestDatabase,
): Promise<readonly [ServerProcess, ServerProcess]> {
  return Promise.all([startServerOn(simulator, db), startServerOn(simulator, db)]);
}

/** A server on a database that others may use too; killed at the end, if it still runs. */
export async function startServerOn(
  simulator: Simulator,
  db: TestDatabase,
  more: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const settings = settingsFor(simulator);
  // Registered first: functions registered later run earlier, so the server has ended by then.
  onTestFinished(() =>
    rmSync(settings["CARILLON_DATA_DIR"] ?? "", { recursive: true, force: true }),
  );
  const server = await startServerProcess({
    ...settings,
    DATABASE_URL: db.connectionString,
    CARILLON_ENCRYPTION_KEY: "ab".repeat(32),
    ...more,
  });
  onTestFinished(() => void server.end("SIGKILL"));
  return server;
}
