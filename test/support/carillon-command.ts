// One run of the installed command, as a user types it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { packageRoot } from "../../src/app/package-root.ts";

export interface CommandRun {
  readonly exitCode: number | null;
  readonly printed: string;
}

/** `onPrinted` hears all that was printed so far and may end the process outright. */
export async function runCarillon(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  onPrinted: (printed: string, kill: () => void) => void = () => {},
): Promise<CommandRun> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("CARILLON_")),
  );
  const child = spawn(process.execPath, [join(packageRoot(), "bin", "carillon.mjs"), ...args], {
    env: { ...env, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const hear = (chunk: Buffer): void => {
    printed += chunk.toString();
    onPrinted(printed, () => child.kill("SIGKILL"));
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  await once(child, "close");
  return { exitCode: child.exitCode, printed };
}
