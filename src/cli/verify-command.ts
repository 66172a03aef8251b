// `carillon verify`: whether a live database keeps every promise, and what to do where it does not.
// Changes nothing. Exit code 1: something is wrong, or could not be checked.

import type { Command } from "commander";
import { readConfig } from "../app/read-config.ts";
import { runVerify } from "../app/run-verify.ts";
import type { Verification, VerifyFinding } from "../app/verify.ts";
import { print, printNotice } from "./terminal.ts";

const MARKS = { problem: "PROBLEM", look: "LOOK", unchecked: "NOT CHECKED" };

export function addVerifyCommand(program: Command): void {
  program
    .command("verify")
    .description("check that the tables of a live database keep every promise; changes nothing")
    .option("--carrier", "also ask the carrier about every open call")
    .option("--json", "print the findings as JSON")
    .action(async (options: { readonly carrier?: true; readonly json?: true }) => {
      const verification = await runVerify(readConfig(), printNotice, options.carrier === true);
      if (options.json === true) print(JSON.stringify(verification, null, 2));
      else printVerification(verification);
      const isWrong = verification.findings.some((finding) => finding.weight !== "look");
      if (isWrong) process.exitCode = 1;
    });
}

function printVerification({ rules, findings }: Verification): void {
  for (const finding of findings) printFinding(finding);
  const count = findings.length;
  if (count === 0) print(`${rules} rules checked: every one holds.`);
  else print(`${rules} rules checked: ${count} with findings.`);
}

function printFinding(finding: VerifyFinding): void {
  print(`${MARKS[finding.weight]}: ${finding.rule}`);
  if (finding.weight === "unchecked") print("  It took too long, so nothing is known of it.");
  else print(`  ${finding.means}`);
  for (const { subject, detail } of finding.breaches) print(`  - ${subject}: ${detail}`);
  const more = finding.total - finding.breaches.length;
  if (more > 0) print(`  … and ${more} more`);
  if (finding.weight !== "unchecked") print(`  What to do: ${finding.todo}`);
  print();
}
