// Counts a Vitest JSON report for .ci/run: prints "N passed, N failed" and, if any were, ", N
// skipped". Fails when anything failed or nothing passed. A file that could not even be loaded
// counts as a failure.

import { readFileSync } from "node:fs";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const [, , path] = process.argv;
if (path === undefined) throw new Error("usage: node scripts/test-totals.ts REPORT");
const report = JSON.parse(readFileSync(path, "utf8")) as Report;

const brokenFiles = report.testResults.filter(
  (file) =>
    file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
);
const failed = report.numFailedTests + brokenFiles.length;
const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : "";
console.log(`${report.numPassedTests} passed, ${failed} failed${skipped}`);
process.exitCode = failed > 0 || report.numPassedTests === 0 ? 1 : 0;
