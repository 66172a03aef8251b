// One server against a database and a carrier that go wrong: on lines of its own to both, so that a
// test decides what passes, and on a PostgreSQL of its own, so that it may be killed.

import { rmSync } from "node:fs";
import { onTestFinished } from "vitest";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { startCarrier } from "../support/race-set-up.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { openTcpProxy, type TcpProxy } from "../torture/tcp-proxy.ts";
import { startTortureCluster, type TortureCluster } from "../torture/torture-cluster.ts";

export interface Outages {
  readonly cluster: TortureCluster;
  readonly simulator: Simulator;
  readonly server: ServerProcess;
  /** The server's lines. */
  readonly database: TcpProxy;
  readonly carrier: TcpProxy;
}

export async function startOutages(callsPerSecond: number): Promise<Outages> {
  const directory = makeTemporaryDataDirectory("carillon-outages-");
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  const cluster = await startTortureCluster(directory);
  onTestFinished(() => cluster.stop());
  const simulator = await startCarrier(callsPerSecond);
  const database = await openTcpProxy(() => ({ path: cluster.socketPath }));
  onTestFinished(() => database.close());
  const simulatorPort = Number(new URL(simulator.url).port);
  const carrier = await openTcpProxy(() => ({ port: simulatorPort, host: "127.0.0.1" }));
  onTestFinished(() => carrier.close());
  const server = await startServerProcess({
    CARILLON_DATA_DIR: directory,
    CARILLON_ENCRYPTION_KEY: "ab".repeat(32),
    DATABASE_URL: cluster.addressAt(database.port),
    TWILIO_API_BASE_URL: `http://127.0.0.1:${carrier.port}`,
    CARILLON_MODEL: "openai-compatible:scripted-agent",
    CARILLON_MODEL_BASE_URL: `${simulator.url}/v1`,
    CARILLON_LOG_LEVEL: "error",
  });
  onTestFinished(async () => void (await server.end("SIGKILL")));
  return { cluster, simulator, server, database, carrier };
}
