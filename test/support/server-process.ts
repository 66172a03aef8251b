// A server as a user starts it: the installed command in a process of its own, to be talked to over
// HTTP, stopped, or killed.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { packageRoot } from "../../src/app/package-root.ts";
import { waitFor } from "./wait-for.ts";

export const OPERATOR_TOKEN = "operator-token-of-the-tests";

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** Everything it printed so far. */
  output(): string;
  ask<T>(method: string, path: string, body?: unknown, bearer?: string): Promise<Answer<T>>;
  /** Resolves when it has ended, whatever the reason. */
  ended(): Promise<void>;
  /** Sends a signal and waits for the end; answers the exit code, or null when it was killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

/** Starts `carillon serve` with these settings and waits until it is ready. */
export async function startServerProcess(
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("CARILLON_")),
  );
  const child = spawn(process.execPath, [join(packageRoot(), "bin", "carillon.mjs"), "serve"], {
    env: {
      ...env,
      CARILLON_PORT: "0",
      CARILLON_LOG_LEVEL: "warn",
      CARILLON_OPERATOR_TOKEN: OPERATOR_TOKEN,
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const url = await waitFor(
    () => {
      if (hasEnded(child)) throw new Error(`the server ended: ${printed}`);
      return /listens on (http:\S+) with/.exec(printed)?.[1];
    },
    { timeoutMs: 60_000, describe: () => `the server to listen; it printed: ${printed}` },
  ).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    url,
    pid: child.pid ?? 0,
    output: () => printed,
    ask: (method, path, body, bearer) => ask(url, method, path, body, bearer),
    ended: async () => {
      if (!hasEnded(child)) await once(child, "exit");
    },
    end: (signal) => end(child, signal),
  };
}

async function ask<T>(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  bearer: string = OPERATOR_TOKEN,
): Promise<Answer<T>> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) as T, headers: response.headers };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (hasEnded(child)) return child.exitCode;
  child.kill(signal);
  await once(child, "exit");
  return child.exitCode;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
