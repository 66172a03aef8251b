// Runs embedded-owner-process.ts in a process of its own, so that a test can kill it like a user's
// machine would.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { waitFor } from "./wait-for.ts";

/** One line that the process said. */
export interface OwnerLine {
  readonly kind: "started" | "failed" | "notice" | "lost";
  readonly message?: string;
  readonly notice?: string;
  readonly connectionString?: string;
  readonly dataDirectory?: string;
  readonly attached?: boolean;
  readonly serverPid?: number;
}

export interface EmbeddedOwner {
  readonly child: ChildProcess;
  readonly lines: readonly OwnerLine[];
  /** Waits for "started" or "failed". */
  outcome(): Promise<OwnerLine>;
  /** Ends the process without warning and waits until it is gone. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export interface OwnerOptions {
  readonly isDefaultDirectory?: boolean;
  readonly systemPlace?: string;
  /** The checkout whose sources run. Default: this one. */
  readonly checkout?: string;
  /** As whom it runs (only root may choose). */
  readonly user?: { readonly uid: number; readonly gid: number };
}

const THIS_CHECKOUT = join(import.meta.dirname, "../..");

export function startEmbeddedOwner(
  dataDirectory: string,
  options: OwnerOptions = {},
): EmbeddedOwner {
  const program = join(options.checkout ?? THIS_CHECKOUT, "test/support/embedded-owner-process.ts");
  const how = options.isDefaultDirectory === true ? "default" : "named";
  const place = options.systemPlace === undefined ? [] : [options.systemPlace];
  const child = spawn(process.execPath, [program, dataDirectory, how, ...place], {
    ...options.user,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: OwnerLine[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(JSON.parse(line) as OwnerLine);
  });
  return {
    child,
    lines,
    outcome: () =>
      waitFor(() => lines.find((line) => line.kind === "started" || line.kind === "failed"), {
        timeoutMs: 60_000,
        describe: () => `the embedded database to start; said so far: ${JSON.stringify(lines)}`,
      }),
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
    },
  };
}
