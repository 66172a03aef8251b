// `carillon rehearse`: a campaign's agent, prompt and model against simulated people, before any
// phone rings. Prints every talk. Exit code 1: something that was asserted does not hold, or a talk
// broke off because its model failed.

import { InvalidArgumentError, type Command } from "commander";
import { readConfig } from "../app/read-config.ts";
import type { RehearsedTalk } from "../app/rehearse/rehearse-talk.ts";
import { runRehearsal, type Rehearsal } from "../app/rehearse/run-rehearsal.ts";
import { print, printNotice, printTable } from "./terminal.ts";

interface Options {
  readonly agent: string;
  readonly prompt: string;
  readonly csv: string;
  readonly people?: string;
  readonly assert?: string;
  readonly tools?: string;
  readonly model?: string;
  readonly seed: number;
  readonly speed: number;
  readonly json?: boolean;
}

const DEFAULT_SPEED = 8;

export function addRehearseCommand(program: Command): void {
  program
    .command("rehearse")
    .description("hold a campaign's talks with simulated people: no phone, no carrier, no database")
    .requiredOption(
      "--agent <file|id>",
      "YAML file with the agent's fields, or a stored agent's id",
    )
    .requiredOption("--prompt <text|file>", "the campaign's prompt")
    .requiredOption("--csv <file>", "the campaign's list; a column persona says who picks up")
    .option(
      "--people <personas>",
      'who picks up, in turn: "terse,interrupter", or "model: a character"',
    )
    .option("--assert <file>", "YAML file with what must hold; 1 is the exit code when it does not")
    .option("--tools <file|ask>", "YAML file with what the agent's own tools answer, or ask them")
    .option("--model <simulated>", "the simulator's model instead of the configured one", simulated)
    .option("--seed <number>", "the same seed gives the same people", positive, 1)
    .option(
      "--speed <factor>",
      "people talk this many times faster than life",
      positive,
      DEFAULT_SPEED,
    )
    .option("--json", "one JSON document instead of text")
    .action(async (options: Options) => {
      const rehearsal = await runRehearsal({
        ...options,
        people: options.people ?? null,
        assert: options.assert ?? null,
        tools: options.tools ?? null,
        isModelSimulated: options.model !== undefined,
        config: readConfig(),
        onNotice: printNotice,
        onTalk: (talk) => {
          if (options.json !== true) printTalk(talk);
        },
      });
      if (options.json === true) print(JSON.stringify(formatRehearsal(rehearsal), null, 2));
      else printOutcome(rehearsal);
      if (rehearsal.failures.length > 0) process.exitCode = 1;
    });
}

function printTalk(talk: RehearsedTalk): void {
  print(`── ${talk.person.phone}, ${talk.person.persona}`);
  for (const { role, text, interrupted } of talk.transcript) {
    print(`  ${role === "agent" ? "Agent " : "Person"}  ${text}${interrupted ? " …" : ""}`);
  }
  for (const { name, input } of talk.toolCalls) print(`  tool    ${name} ${JSON.stringify(input)}`);
  for (const failure of talk.modelFailures) print(`  model   failed: ${failure}`);
  for (const [name, value] of Object.entries(talk.analysis?.extracted ?? {})) {
    print(`  field   ${name}: ${JSON.stringify(value)}`);
  }
  print(`  ended   ${talk.endedReason} (${talk.outcome}), answered by ${talk.answeredBy}`);
  print();
}

function printOutcome({ talks, failures, modelName }: Rehearsal): void {
  printTable([
    ["phone", "persona", "ended", "turns", "latency"],
    ...talks.map((talk) => [
      talk.person.phone,
      talk.person.persona.slice(0, 30),
      talk.endedReason,
      String(talk.turns.length),
      talk.avgLatencyMs === null ? "" : `${talk.avgLatencyMs} ms`,
    ]),
  ]);
  print();
  const { model_ms: model, overhead_ms: overhead } = latenciesOf(talks);
  print(`${modelName}: first token after ${model.p50} ms (p50), ${model.p95} ms (p95);`);
  print(`our own part of a turn ${overhead.p50} ms (p50), ${overhead.p95} ms (p95).`);
  for (const { phone, message } of failures) print(`FAILED  ${phone}: ${message}`);
  if (failures.length > 0) print(`${failures.length} failed.`);
}

function formatRehearsal({ talks, failures, modelName }: Rehearsal): object {
  return {
    model: modelName,
    passed: failures.length === 0,
    failures,
    latency: latenciesOf(talks),
    talks: talks.map((talk) => ({
      phone: talk.person.phone,
      persona: talk.person.persona,
      ended_reason: talk.endedReason,
      outcome: talk.outcome,
      answered_by: talk.answeredBy,
      avg_latency_ms: talk.avgLatencyMs,
      callback_at: talk.callbackAt === null ? null : new Date(talk.callbackAt).toISOString(),
      tool_calls: talk.toolCalls,
      extracted: talk.analysis?.extracted ?? null,
      model_failures: talk.modelFailures,
      transcript: talk.transcript.map(({ role, text, interrupted }) => ({
        role,
        text,
        interrupted,
      })),
    })),
  };
}

function latenciesOf(talks: readonly RehearsedTalk[]) {
  const turns = talks.flatMap((talk) => talk.turns);
  return {
    model_ms: percentiles(turns.map((turn) => turn.modelMs)),
    overhead_ms: percentiles(turns.map((turn) => turn.overheadMs)),
  };
}

function percentiles(values: readonly (number | null)[]): { p50: number; p95: number } {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}

function simulated(text: string): string {
  if (text === "simulated") return text;
  throw new InvalidArgumentError("can only be simulated; CARILLON_MODEL sets any other");
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("must be a number above 0");
}
