// The configuration of this process: its environment and, if there is one, its file.

import { readFileSync } from "node:fs";
import { loadConfig, type Config } from "./config.ts";

/** @throws ConfigError naming every fault at once; Error when the file is there and unreadable */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  return loadConfig(env, (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      // Only a file that is not there counts as none. One that is there and cannot be read holds
      // settings that somebody relies on.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  });
}
