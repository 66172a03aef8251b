// `carillon doctor`: what is wrong with this installation, and what mends it. Works beside a
// running server.

import type { Command } from "commander";
import { examine } from "../app/doctor.ts";
import { readConfig } from "../app/read-config.ts";
import { printNotice, printTable } from "./terminal.ts";

const MARKS = { ok: "ok", warning: "!", problem: "PROBLEM" };

export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("check database, schema, clock, public URL, carrier credentials and model")
    .action(async () => {
      const findings = await examine(readConfig(), printNotice);
      printTable(findings.map((finding) => [MARKS[finding.state], finding.name, finding.message]));
      if (findings.some((finding) => finding.state === "problem")) process.exitCode = 1;
    });
}
