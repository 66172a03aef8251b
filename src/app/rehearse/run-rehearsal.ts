// A rehearsal from its files to its findings: agent, prompt, people and assertions read and held
// against each other, every talk held, and what was asserted checked.

import { existsSync } from "node:fs";
import type { CallAnalysis, ExtractionField } from "../../domain/call-analysis.ts";
import { settlementOf } from "../../jobs/analyse.ts";
import { createModel } from "../../model/ai-model.ts";
import type { Model } from "../../ports/model.ts";
import type { Config } from "../config.ts";
import { configuredModel } from "../configured-model.ts";
import { startStandaloneSimulator } from "../standalone-simulator.ts";
import { readAssertions, type Assertions, type Failure } from "./assertions.ts";
import { readAgent } from "./rehearsed-agent.ts";
import { readPeople, splitPeople, type RehearsedPerson } from "./rehearsed-people.ts";
import { openTools } from "./rehearsed-tools.ts";
import { readText } from "./read-yaml.ts";
import {
  rehearsalClock,
  rehearseTalk,
  type RehearsedTalk,
  type TalkParts,
} from "./rehearse-talk.ts";

export interface RehearsalOptions {
  /** A file, or the id of a stored agent. */
  readonly agent: string;
  /** The campaign's prompt, or a file that holds it. */
  readonly prompt: string;
  readonly csv: string;
  readonly people: string | null;
  readonly assert: string | null;
  /** What the agent's own tools answer: a file, or `ask` for their addresses. */
  readonly tools: string | null;
  readonly isModelSimulated: boolean;
  readonly seed: number;
  /** People talk and listen this many times faster than life. */
  readonly speed: number;
  readonly config: Config;
  readonly onNotice: (notice: string) => void;
  readonly onTalk: (talk: RehearsedTalk) => void;
}

export interface Rehearsal {
  readonly modelName: string;
  /** In the order of the list. */
  readonly talks: readonly RehearsedTalk[];
  /** Talks that their model broke off, and what was asserted and does not hold. */
  readonly failures: readonly Failure[];
}

/** Talks at once: as many as a model's usual limits bear. */
const MAX_TALKS_AT_ONCE = 8;

/** @throws Error in words: what is wrong with a file, or that there is no model */
export async function runRehearsal(options: RehearsalOptions): Promise<Rehearsal> {
  const people = await readPeople(
    options.csv,
    options.people === null ? null : splitPeople(options.people),
  );
  const agent = await readAgent(options.agent, options.config, options.onNotice);
  const fields = agent.settings["data_extraction_fields"] as readonly ExtractionField[];
  const assertions =
    options.assert === null
      ? null
      : readAssertions(
          options.assert,
          people,
          fields.map((field) => field.name),
        );
  const prompt = readPrompt(options.prompt);
  const tools = openTools(agent, options.tools);
  const { model, stop } = await openModel(options);
  try {
    const { seed, speed } = options;
    const parts = { agent, tools, prompt, model, peopleModel: model, seed, speed };
    const talks = await holdAll(people, parts, assertions, options.onTalk);
    const configuration = model.configuration();
    return {
      modelName: configuration.kind === "ready" ? configuration.name : "none",
      talks,
      failures: [...brokenOff(talks), ...(assertions?.check(talks) ?? [])],
    };
  } finally {
    await Promise.all([stop(), tools.close()]);
  }
}

function brokenOff(talks: readonly RehearsedTalk[]): readonly Failure[] {
  return talks
    .filter((talk) => talk.endedReason === "failed")
    .map(({ person, modelFailures }) => ({
      phone: person.phone,
      message: `the model failed: ${modelFailures.at(-1) ?? "it said nothing"}`,
    }));
}

async function holdAll(
  people: readonly RehearsedPerson[],
  parts: TalkParts,
  assertions: Assertions | null,
  onTalk: (talk: RehearsedTalk) => void,
): Promise<readonly RehearsedTalk[]> {
  const talks: RehearsedTalk[] = [];
  const waiting = people.entries();
  const holdNext = async (): Promise<void> => {
    for (const [index, person] of waiting) {
      const talk = await rehearseTalk(person, parts);
      const analysis = assertions?.needAnalysis === true ? await analysisOf(talk, parts) : null;
      const whole = { ...talk, analysis };
      talks[index] = whole;
      onTalk(whole);
    }
  };
  // Workers that share one list: each takes the next person when its talk is over.
  await Promise.all(Array.from({ length: MAX_TALKS_AT_ONCE }, holdNext));
  return talks;
}

async function analysisOf(
  talk: Omit<RehearsedTalk, "analysis">,
  { agent, prompt, model }: TalkParts,
): Promise<CallAnalysis | null> {
  const settlement = await settlementOf(
    { model, clock: rehearsalClock },
    {
      prompt: talk.person.promptOverride ?? prompt,
      transcript: talk.transcript,
      fields: agent.settings["data_extraction_fields"] as readonly ExtractionField[],
      attempts: 0,
    },
  );
  return settlement.state === "done" ? settlement.analysis : null;
}

function readPrompt(source: string): string {
  const looksLikeFile = /^\S+\.(txt|md)$/i.test(source);
  const text = looksLikeFile || existsSync(source) ? readText(source) : source;
  if (text.trim() === "") throw new Error("the prompt is empty");
  return text.trim();
}

interface OpenModel {
  readonly model: Model;
  readonly stop: () => Promise<void>;
}

async function openModel({
  config,
  isModelSimulated,
  onNotice,
}: RehearsalOptions): Promise<OpenModel> {
  if (isModelSimulated) {
    const { simulator } = await startStandaloneSimulator({ port: 0 });
    const model = createModel({
      model: "openai-compatible:scripted-agent",
      baseUrl: `${simulator.url}/v1`,
      apiKey: null,
    });
    return { model, stop: () => simulator.close() };
  }
  const model = configuredModel(config, onNotice);
  const configuration = model.configuration();
  if (configuration.kind === "missing") {
    throw new Error(`${configuration.instruction} Or rehearse with --model simulated.`);
  }
  return { model, stop: () => Promise.resolve() };
}
