// The ledger of a torture, for people.

import type { TortureReport } from "./run-torture.ts";

export function formatReport(report: TortureReport): string {
  const { ledger, kills, disturbances } = report;
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const longest = report.recovery[0];
  const rows: readonly (readonly [string, string])[] = [
    ["lasted", `${seconds(report.faultsLastedMs)} of faults, ${seconds(report.lastedMs)} in all`],
    ["kills", `${sum(kills)}: ${list(kills)}`],
    ["other faults", `${sum(disturbances)}: ${list(disturbances)}`],
    ["killed between gate and request", String(ledger.killedBetweenGateAndRequest)],
    ["killed between answer and commit", String(ledger.killedBetweenAnswerAndCommit)],
    ["recipients", `${ledger.recipients}: ${list(ledger.byState)}`],
    ["create requests at the carrier", String(ledger.createRequests)],
    [
      "calls placed by the carrier",
      `${ledger.carrierCalls}, ${ledger.takenBack} taken back unheard`,
    ],
    ["ambiguous creates", String(ledger.ambiguousCreates)],
    ["most calls open at once", String(ledger.mostOpen)],
    [
      "most creates in one second",
      `${report.mostCreatesInOneSecond} (seen up to ${Math.round(report.observerLagMs)} ms late)`,
    ],
    ["duplicates", String(ledger.duplicates)],
    ["lost", String(ledger.lost)],
    ["stuck", String(ledger.stuck)],
    ["uncertain", String(ledger.uncertain.length)],
    ["longest end after SIGTERM", seconds(report.longestStopMs)],
    ["API answers", [...report.answers].map(([status, n]) => `${status} × ${n}`).join(", ")],
    [
      "longest time to recover",
      longest === undefined
        ? "nothing to recover"
        : `${seconds(longest.longestMs)} (${longest.kind})`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return [
    "",
    ...rows.map(([name, value]) => `${name.padEnd(width)}${value}`),
    ...report.recovery.map(
      (each) => `  ${seconds(each.longestMs).padStart(7)}  ${each.kind} (${each.count})`,
    ),
    ...ledger.uncertain.map((line) => `uncertain: ${line}`),
    ...report.broken.map((line) => `BROKEN: ${line}`),
    report.broken.length === 0 ? "every rule held" : `${report.broken.length} rules broke`,
  ].join("\n");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
