// What is asked of a model after a call, and what of its answer is believed. Only what was said is
// asked; who was called, when, for how long and how it ended is known and never asked. Every value
// taken from the talk must show the words that say so; a value whose words nobody said is dropped.

import { z } from "zod";
import { displayable } from "./plain-text.ts";

/** Contract B.9, `data_extraction_fields`. */
export interface ExtractionField {
  readonly type: "text" | "selector" | "boolean" | "number";
  readonly name: string;
  readonly description: string;
  readonly choices?: readonly string[] | undefined;
  readonly format_example?: string | undefined;
}

export interface SpokenTurn {
  readonly role: string;
  readonly text: string;
}

export const SENTIMENTS = ["happy", "neutral", "frustrated"] as const;

export interface CallAnalysis {
  readonly summary: string;
  readonly successful: boolean;
  readonly sentiment: (typeof SENTIMENTS)[number];
  /** By the field's name; null: not said. */
  readonly extracted: Readonly<Record<string, string | number | boolean | null>>;
  /** The words each value rests on, by the field's name. */
  readonly evidence: Readonly<Record<string, string>>;
}

export type AnalysisReading =
  | { readonly kind: "read"; readonly analysis: CallAnalysis }
  /** What is wrong with the answer, in words for the model's second try. */
  | { readonly kind: "invalid"; readonly problem: string };

const MIN_TURNS = 2;
const MIN_WORDS = 10;
const MAX_SUMMARY_CHARACTERS = 2_000;
const MAX_VALUE_CHARACTERS = 1_000;

/**
 * Whether the person said enough to be analysed: two turns and ten words. Words in scripts without
 * spaces are counted by the language's own rules. Source: contract B.5.
 */
export function isWorthAnalysing(turns: readonly SpokenTurn[]): boolean {
  const spoken = turns.filter((turn) => turn.role !== "agent" && turn.text.trim() !== "");
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  const words = spoken.flatMap((turn) =>
    [...segmenter.segment(turn.text)].filter((part) => part.isWordLike === true),
  );
  return spoken.length >= MIN_TURNS && words.length >= MIN_WORDS;
}

/** The summary of a call that is not analysed. */
export const SHORT_CALL_SUMMARY = "The call was too short to analyse.";
export const MACHINE_SUMMARY = "A machine answered.";

// Names of fields are free text; makers allow letters and digits in a schema's keys.
const keyOf = (index: number): string => `field_${index + 1}`;

/** JSON schema of the answer, as strict makers want it: all keys required, none to be added. */
export function analysisSchema(fields: readonly ExtractionField[]): Record<string, unknown> {
  return {
    ...object({
      summary: { type: "string", description: "Two or three sentences on what was said." },
      successful: { type: "boolean", description: "Whether the purpose of the call was achieved." },
      sentiment: { type: "string", enum: [...SENTIMENTS], description: "The person's mood." },
      extracted: object(
        Object.fromEntries(fields.map((field, index) => [keyOf(index), fieldSchema(field)])),
      ),
    }),
  };
}

function fieldSchema(field: ExtractionField): object {
  const example = field.format_example === undefined ? "" : ` Like: ${field.format_example}`;
  return object({
    value: {
      ...valueSchema(field),
      description: `${field.name}: ${field.description}${example} null when it was not said.`,
    },
    quote: {
      type: ["string", "null"],
      description: "The words of the transcript that say so, copied letter by letter; else null.",
    },
  });
}

function valueSchema({ type, choices }: ExtractionField): object {
  switch (type) {
    case "text":
      return { type: ["string", "null"] };
    case "number":
      return { type: ["number", "null"] };
    case "boolean":
      return { type: ["boolean", "null"] };
    case "selector":
      return { type: ["string", "null"], enum: [...(choices ?? []), null] };
  }
}

function object(properties: Readonly<Record<string, unknown>>): object {
  const required = Object.keys(properties);
  return { type: "object", properties, required, additionalProperties: false };
}

/** Reads a model's answer. Quotes are looked for in what was said, by letters and digits alone. */
export function readAnalysis(
  text: string,
  fields: readonly ExtractionField[],
  turns: readonly SpokenTurn[],
): AnalysisReading {
  const json = parseJson(text);
  const parsed = answerOf(fields).safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue === undefined || issue.path.length === 0 ? "answer" : issue.path.join(".");
    return { kind: "invalid", problem: `${place}: ${issue?.message ?? "is not JSON"}` };
  }
  const { summary, successful, sentiment, extracted } = parsed.data;
  const said = lettersOf(turns.map((turn) => turn.text).join(" "));
  const supported = fields.map((field, index) => {
    const found = extracted[keyOf(index)] ?? { value: null, quote: null };
    const quote = lettersOf(found.quote ?? "");
    const isSaid = found.value !== null && quote !== "" && said.includes(quote);
    return {
      name: field.name,
      value: isSaid ? storable(found.value) : null,
      quote: displayable(found.quote ?? "", MAX_VALUE_CHARACTERS),
    };
  });
  const withValue = supported.filter((each) => each.value !== null);
  return {
    kind: "read",
    analysis: {
      summary: displayable(summary, MAX_SUMMARY_CHARACTERS),
      successful,
      sentiment,
      extracted: Object.fromEntries(supported.map(({ name, value }) => [name, value])),
      evidence: Object.fromEntries(withValue.map(({ name, quote }) => [name, quote])),
    },
  };
}

function storable<Value>(value: Value): Value | string {
  return typeof value === "string" ? displayable(value, MAX_VALUE_CHARACTERS) : value;
}

function answerOf(fields: readonly ExtractionField[]) {
  const quote = z.string().max(MAX_VALUE_CHARACTERS).nullable();
  const extracted = fields.map((field, index) => [
    keyOf(index),
    z.object({ value: valueOf(field).nullable(), quote }),
  ]);
  return z.object({
    summary: z.string().trim().min(1),
    successful: z.boolean(),
    sentiment: z.enum(SENTIMENTS),
    extracted: z.object(
      Object.fromEntries(extracted) as Record<
        string,
        z.ZodType<{ value: string | number | boolean | null; quote: string | null }>
      >,
    ),
  });
}

function valueOf({ type, choices = [] }: ExtractionField): z.ZodType<string | number | boolean> {
  switch (type) {
    case "text":
      return z.string().max(MAX_VALUE_CHARACTERS);
    case "number":
      return z.number();
    case "boolean":
      return z.boolean();
    case "selector":
      return z.string().refine((value) => choices.includes(value), "is none of the choices");
  }
}

// Models tidy punctuation and spaces when they quote; what counts is the words.
function lettersOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
