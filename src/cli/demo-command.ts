// `carillon demo`: watch a campaign of 200 people being dialed, with nothing installed and nobody's
// phone ringing.

import type { Command } from "commander";
import { runDemo, type Demo } from "../app/demo/run-demo.ts";
import type { Call } from "../http/contract/call.ts";
import type { Campaign } from "../http/contract/campaign.ts";
import { print, printTable, untilStopped } from "./terminal.ts";

/** Without a terminal a line is printed this often. */
const PLAIN_EVERY_MS = 5_000;
const BAR_WIDTH = 30;

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("dial a campaign of 200 pretend people on this machine, and show what happens")
    .option("--exit", "end when the campaign is over instead of staying up")
    .action(async (options: { readonly exit?: boolean }) => {
      const progress = createProgress();
      const demo = await runDemo({ onStep: (text) => print(text), onProgress: progress.show });
      progress.finish();
      printOutcome(demo);
      if (options.exit !== true) {
        print("The server stays up. Ctrl-C ends it and deletes its data.");
        await untilStopped();
      }
      await demo.stop();
      if (demo.campaign.status !== "completed")
        throw new Error(`The campaign ended ${demo.campaign.status}.`);
    });
}

function createProgress(): {
  readonly show: (campaign: Campaign) => void;
  readonly finish: () => void;
} {
  const startedAt = performance.now();
  const isTerminal = process.stdout.isTTY === true;
  let printedAt = Number.NEGATIVE_INFINITY;
  return {
    show: (campaign) => {
      const line = progressLine(campaign, (performance.now() - startedAt) / 1000);
      if (isTerminal) {
        process.stdout.write(`\r\u001b[2K${line.slice(0, process.stdout.columns - 1)}`);
        return;
      }
      const isLast = campaign.status !== "running";
      if (!isLast && performance.now() - printedAt < PLAIN_EVERY_MS) return;
      printedAt = performance.now();
      print(line);
    },
    finish: () => {
      if (isTerminal) print();
    },
  };
}

function progressLine(campaign: Campaign, seconds: number): string {
  const count = (state: string): number => campaign.counts[state] ?? 0;
  const total = campaign.recipients_count;
  const open = count("waiting") + count("calling");
  const done = total - open;
  const filled = Math.round((done / Math.max(1, total)) * BAR_WIDTH);
  const rate = done / Math.max(1, seconds);
  const left = rate > 0 ? `${Math.ceil(open / rate)} s left` : "starting";
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  return (
    `${bar} ${done}/${total}  up ${count("calling")}  reached ${count("reached")}  voicemail ${count("voicemail")}  ` +
    `not reached ${count("not_reached")}  failed ${count("failed")}  ${rate.toFixed(1)}/s  ${left}`
  );
}

function printOutcome(demo: Demo): void {
  const { campaign } = demo;
  print();
  printTable([
    ["outcome", "people"],
    ...Object.entries(campaign.counts)
      .filter(([, count]) => count > 0)
      .map(([state, count]) => [state.replaceAll("_", " "), String(count)]),
  ]);
  print();
  printTable([
    ["call ended because", "calls"],
    ...Object.entries(campaign.ended_reasons).map(([reason, count]) => [reason, String(count)]),
  ]);
  print();
  print(
    `The carrier's own books: ${demo.placings.calls} calls placed, ` +
      `${demo.placings.dialedMoreThanOnce} people called twice.`,
  );
  for (const call of demo.transcripts) printTranscript(call);
  print();
  print(`API       ${demo.url}/docs`);
  print(
    `Campaign  curl -H "Authorization: Bearer ${demo.key}" ${demo.url}/v1/calls/batch/${campaign.campaign_id}`,
  );
  print(`Carrier   ${demo.simulatorUrl}/simulator/calls`);
  print();
}

function printTranscript(call: Call): void {
  print();
  print(`${call.call_id} to ${call.to_number}, ended: ${call.ended_reason ?? ""}`);
  for (const line of call.transcript.split("\n")) print(`  ${line}`);
}
