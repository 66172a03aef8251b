// `carillon config`: every setting in force, where it came from, secrets masked.

import type { Command } from "commander";
import { describeConfig } from "../app/config.ts";
import { readConfig } from "../app/read-config.ts";
import { printTable } from "./terminal.ts";

export function addConfigCommand(program: Command): void {
  program
    .command("config")
    .description("show every setting, its value and where it came from; secrets are masked")
    .action(() => {
      const rows = describeConfig(readConfig());
      printTable([
        ["setting", "value", "source"],
        ...rows.map((row) => [row.name, row.value === "" ? "-" : row.value, row.source]),
      ]);
    });
}
