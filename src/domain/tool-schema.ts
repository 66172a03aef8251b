// The arguments of an agent's own tools: which JSON Schemas may describe them, and whether what a
// model sent fits one. A small part of JSON Schema, because a schema is read by every model on
// every turn, and because nothing of it may cost time that grows with what a person says (patterns,
// references and alternatives are refused).

import { z } from "zod";

export type ToolSchema = Readonly<Record<string, unknown>>;

/** Every character of it is read by the model on every turn. */
export const MAX_SCHEMA_CHARACTERS = 4_000;
const MAX_SCHEMA_DEPTH = 5;
const MAX_CHOICES = 100;
const MAX_CHOICE_LENGTH = 200;
/** A booking with every detail is some hundreds. */
const MAX_ARGUMENTS_CHARACTERS = 4_000;
const MAX_FAULT_LENGTH = 300;

/** Names that every maker of models takes. */
const PROPERTY_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

const ANYWHERE = ["type", "title", "description"];
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: [...ANYWHERE, "properties", "required", "additionalProperties"],
  array: [...ANYWHERE, "items", "minItems", "maxItems"],
  string: [...ANYWHERE, "enum", "minLength", "maxLength"],
  number: [...ANYWHERE, "minimum", "maximum"],
  integer: [...ANYWHERE, "minimum", "maximum"],
  boolean: ANYWHERE,
};

/**
 * What keeps a schema from describing a tool's arguments, as the end of a sentence about it; null
 * when nothing does.
 */
export function schemaFault(schema: ToolSchema): string | null {
  if (schema["type"] !== "object") return 'must have type "object"';
  if (JSON.stringify(schema).length > MAX_SCHEMA_CHARACTERS) {
    return `is longer than ${MAX_SCHEMA_CHARACTERS} characters`;
  }
  return nodeFault(schema, "", 1);
}

/** What keeps arguments from being sent, for the model that wrote them; null when nothing does. */
export function argumentsFault(schema: ToolSchema, input: unknown): string | null {
  const text = JSON.stringify(input) ?? "";
  if (text.length > MAX_ARGUMENTS_CHARACTERS) {
    return `the arguments are longer than ${MAX_ARGUMENTS_CHARACTERS} characters`;
  }
  // A NUL, or half of a surrogate pair: the only ones that JSON writes so.
  if (/\\u(0000|d[89a-f])/.test(text)) return "the arguments hold a character that is none";
  const parsed = z.fromJSONSchema(schema).safeParse(input);
  if (parsed.success) return null;
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  return `${place}${issue?.message ?? "it does not fit"}`.slice(0, MAX_FAULT_LENGTH).toWellFormed();
}

function nodeFault(node: unknown, place: string, depth: number): string | null {
  const at = place === "" ? "" : ` at ${place}`;
  if (!isRecord(node)) return `must hold a schema${at}`;
  if (depth > MAX_SCHEMA_DEPTH) return `is more than ${MAX_SCHEMA_DEPTH} levels deep${at}`;
  const type = node["type"];
  const known = typeof type === "string" && Object.hasOwn(KEYWORDS, type) ? KEYWORDS[type] : null;
  if (known === null || known === undefined) {
    return `must have one of the types ${Object.keys(KEYWORDS).join(", ")}${at}`;
  }
  const unknown = Object.keys(node).find((key) => !known.includes(key));
  if (unknown !== undefined) return `holds ${unknown}${at}, which is not supported there`;
  return textsFault(node, at) ?? boundsFault(node, at) ?? insideFault(node, place, depth);
}

function textsFault(node: ToolSchema, at: string): string | null {
  for (const key of ["title", "description"]) {
    const text = node[key];
    if (text !== undefined && typeof text !== "string") return `has a ${key}${at} that is no text`;
  }
  const choices = node["enum"];
  if (choices === undefined) return null;
  const isFine =
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.length <= MAX_CHOICES &&
    choices.every((one) => typeof one === "string" && one.length <= MAX_CHOICE_LENGTH);
  return isFine ? null : `needs 1 to ${MAX_CHOICES} texts in enum${at}`;
}

function boundsFault(node: ToolSchema, at: string): string | null {
  for (const [low, high] of [
    ["minimum", "maximum"],
    ["minLength", "maxLength"],
    ["minItems", "maxItems"],
  ] as const) {
    const [least, most] = [node[low], node[high]];
    for (const [key, bound] of [
      [low, least],
      [high, most],
    ] as const) {
      if (bound === undefined) continue;
      const isCount = key !== "minimum" && key !== "maximum";
      const isFine = isCount
        ? Number.isSafeInteger(bound) && (bound as number) >= 0
        : Number.isFinite(bound);
      if (!isFine) return `has a ${key}${at} that is no ${isCount ? "count" : "number"}`;
    }
    if (typeof least === "number" && typeof most === "number" && least > most) {
      return `has a ${low}${at} above its ${high}`;
    }
  }
  return null;
}

function insideFault(node: ToolSchema, place: string, depth: number): string | null {
  const within = (name: string) => (place === "" ? name : `${place}.${name}`);
  const at = place === "" ? "" : ` at ${place}`;
  if (node["type"] === "array") return nodeFault(node["items"], within("items"), depth + 1);
  if (node["type"] !== "object") return null;
  const { properties = {}, required = [], additionalProperties = true } = node;
  if (!isRecord(properties)) return `has properties${at} that are no object`;
  for (const [name, property] of Object.entries(properties)) {
    if (name in Object.prototype) return `names a property${at} ${name}, which no object can miss`;
    if (!PROPERTY_NAME.test(name)) {
      return `names a property${at} with more than letters, digits, _ and -`;
    }
    const fault = nodeFault(property, within(name), depth + 1);
    if (fault !== null) return fault;
  }
  if (typeof additionalProperties !== "boolean") {
    return `needs true or false as additionalProperties${at}`;
  }
  const isListed = (name: unknown) => typeof name === "string" && Object.hasOwn(properties, name);
  const isFine = Array.isArray(required) && required.every(isListed);
  return isFine ? null : `requires${at} what is not among its properties`;
}

function isRecord(value: unknown): value is ToolSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
