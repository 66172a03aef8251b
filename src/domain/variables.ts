// What a recipient's variables may be: a few short facts. Every limit protects the prompt that they
// end up in.

import { displayable, textFault } from "./plain-text.ts";

/**
 * Facts about one recipient for the agent (contract A.3). Numbers and booleans are kept as they
 * are.
 */
export type Variables = Readonly<Record<string, string | number | boolean>>;

/** More facts than a person would read before a call; bounds the prompt. */
export const MAX_VARIABLES = 50;
/** Names are words, not sentences. */
export const MAX_VARIABLE_NAME_LENGTH = 64;
/** Two or three sentences; longer texts belong in the prompt. */
export const MAX_VARIABLE_LENGTH = 500;
/**
 * Of all names and values of one recipient as JSON in UTF-8; bounds a list of 100,000 and the
 * model's bill.
 */
export const MAX_VARIABLES_BYTES = 4096;

export type VariablesParse =
  | { readonly kind: "valid"; readonly variables: Variables }
  /**
   * `path` is below the variables and fit to be shown, "" for the object itself; `message`
   * completes "<path> …".
   */
  | { readonly kind: "invalid"; readonly path: string; readonly message: string };

/** Checks the variables of one recipient, or of a single call. Absent is an empty object. */
export function parseVariables(value: unknown): VariablesParse {
  if (value === undefined || value === null) return { kind: "valid", variables: {} };
  if (typeof value !== "object" || Array.isArray(value)) {
    return { kind: "invalid", path: "", message: "must be an object of names and values" };
  }
  const names = Object.keys(value);
  if (names.length > MAX_VARIABLES) {
    return {
      kind: "invalid",
      path: "",
      message: `has ${names.length} names; at most ${MAX_VARIABLES}`,
    };
  }
  for (const name of names) {
    const fault = nameFault(name) ?? valueFault((value as Record<string, unknown>)[name]);
    if (fault !== null) return { kind: "invalid", path: displayable(name, 64), message: fault };
  }
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes > MAX_VARIABLES_BYTES) {
    return {
      kind: "invalid",
      path: "",
      message: `takes ${bytes} bytes as JSON; at most ${MAX_VARIABLES_BYTES}`,
    };
  }
  return { kind: "valid", variables: value as Variables };
}

function nameFault(name: string): string | null {
  if (name.trim() === "") return "is an empty name";
  if (name.length > MAX_VARIABLE_NAME_LENGTH) {
    return `is a name of ${name.length} characters; at most ${MAX_VARIABLE_NAME_LENGTH}`;
  }
  // It would not be a name but the prototype of whatever object it is copied into.
  if (name === "__proto__") return "is not a usable name";
  return textFault(name);
}

function valueFault(value: unknown): string | null {
  if (typeof value === "boolean") return null;
  if (typeof value === "number") return Number.isFinite(value) ? null : "is out of range";
  if (typeof value !== "string") return "must be a string, a number or a boolean";
  if (value.length > MAX_VARIABLE_LENGTH) {
    return `has ${value.length} characters; at most ${MAX_VARIABLE_LENGTH}`;
  }
  return textFault(value);
}
