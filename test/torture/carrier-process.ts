// The standalone simulator as a process of its own, as `carillon simulator` starts it, with its
// books in a file: it can be killed and comes back at the same port with what it knew. Its faults
// and people are set again before anybody reaches it.

import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { openBooksFile } from "../../src/app/books-file.ts";
import { packageRoot } from "../../src/app/package-root.ts";
import { readBooks } from "../../src/simulator/carrier-model/books-journal.ts";
import { CallBooks } from "../../src/simulator/carrier-model/call-books.ts";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import type { PersonaRates } from "../../src/simulator/people/persona.ts";
import { accountWith } from "../support/campaign-set-up.ts";
import { waitFor } from "../support/wait-for.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

/** Below the ports that connections get by themselves: it must still be free after a kill. */
const FIRST_PORT = 10_000;
const PORTS = 10_000;
/** Calls that these books can hold: above any torture of an hour. */
const MAX_CALLS = 1_000_000;

export interface CarrierSettings {
  /** For the books' file; whoever made it removes it. */
  readonly directory: string;
  readonly seed: number;
  readonly speed: number;
  readonly callsPerSecond: number;
  readonly rates: PersonaRates;
  readonly faults: FaultsInput;
}

export interface CarrierProcess {
  readonly port: number;
  pid(): number;
  /**
   * kill -9, and a start on the same books. `lines` listen to nobody meanwhile, as a machine that
   * is gone. One after the other, when asked for at once.
   */
  killAndRestart(lines: readonly TcpProxy[]): Promise<void>;
  /** From now on, also after a restart. */
  setFaults(faults: FaultsInput): Promise<void>;
  /** Stops it for good and answers the carrier's own books. */
  closeBooks(): Promise<CallBooks>;
}

export async function startCarrierProcess(settings: CarrierSettings): Promise<CarrierProcess> {
  const path = join(settings.directory, "books");
  let { faults } = settings;

  const put = async (port: number, name: string, body: object): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port}/simulator/${name}`, {
      method: "PUT",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
    if (!response.ok) throw new Error(`${name}: ${await response.text()}`);
  };
  const start = async (port: number): Promise<{ child: ChildProcess; port: number }> => {
    const { seed, speed, callsPerSecond, rates, directory } = settings;
    const begun = await startSimulatorProcess(directory, { port, seed, speed, books: path });
    const { child, port: heard } = begun;
    await put(heard, "accounts", accountWith(callsPerSecond * 2));
    await put(heard, "people", { rates });
    await put(heard, "faults", faults);
    return { child, port: heard };
  };

  const { port, child: begun } = await start(FIRST_PORT + randomInt(PORTS));
  let child = begun;
  let restarting: Promise<void> = Promise.resolve();
  const cut = (): void => void child.kill("SIGKILL");
  process.once("exit", cut);
  return {
    port,
    pid: () => child.pid ?? 0,
    killAndRestart: (lines) => {
      restarting = restarting.then(async () => {
        const left = Promise.all(lines.map((line) => line.leave()));
        child.kill("SIGKILL");
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        await left;
        ({ child } = await start(port));
        await Promise.all(lines.map((line) => line.comeBack()));
      });
      return restarting;
    },
    setFaults: async (changed) => {
      faults = changed;
      await restarting;
      await put(port, "faults", faults);
    },
    closeBooks: async () => {
      await restarting;
      process.off("exit", cut);
      child.kill("SIGKILL");
      const books = new CallBooks(MAX_CALLS);
      books.restore(readBooks(openBooksFile(path).lines, Date.now()));
      return books;
    },
  };
}

/** A model that is nobody's victim: a model that is away is another subject. */
export async function startModelProcess(
  directory: string,
): Promise<{ readonly port: number; stop(): void }> {
  const { child, port } = await startSimulatorProcess(directory, { port: 0 });
  const stop = (): void => void child.kill("SIGKILL");
  process.once("exit", stop);
  return { port, stop };
}

async function startSimulatorProcess(
  directory: string,
  options: Readonly<Record<string, string | number>>,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(
    process.execPath,
    [join(packageRoot(), "bin", "carillon.mjs"), "simulator", ...args],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") },
    },
  );
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const heard = await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`the simulator ended: ${printed}`);
      return /listens on http:\/\/\S+:(\d+)\./.exec(printed)?.[1];
    },
    { timeoutMs: 60_000, describe: "the simulator to listen" },
  );
  return { child, port: Number(heard) };
}
