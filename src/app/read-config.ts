// The configuration of this process: its environment and, if there is one, its file.

import { readFileSync } from "node:fs";
import { loadConfig, type Config } from "./config.ts";

/** @throws ConfigError naming every fault at once */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  return loadConfig(env, (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return null;
    }
  });
}
