// Recipients' variables on their way to a model or a voice: bounded in number and size, without
// invisible characters. They come from lists that strangers may have filled in. They are data
// everywhere and instructions nowhere. The API refuses what exceeds a bound; this holds for rows
// that came another way.

import {
  MAX_VARIABLE_LENGTH,
  MAX_VARIABLE_NAME_LENGTH,
  MAX_VARIABLES,
  MAX_VARIABLES_BYTES,
  type Variables,
} from "../domain/variables.ts";

// Control characters, joiners and other invisible marks (zero width, bidirectional, tag characters,
// soft hyphen) can hide an instruction from the person who checks the list.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]+/gu;

/** A value as text: one line, no invisible marks or brackets, at most `MAX_VARIABLE_LENGTH`. */
export function boundValue(value: string | number | boolean): string {
  return boundData(String(value), MAX_VARIABLE_LENGTH);
}

// What stands in brackets is the engine's to the model (prompt.ts), whoever wrote the list.
function boundData(text: string, maxCharacters: number): string {
  return boundText(text, maxCharacters).replaceAll("[", "(").replaceAll("]", ")");
}

/**
 * The variables that may be used, in their own order: the first ones up to every bound. Names that
 * are empty once cleaned are left out.
 */
export function boundVariables(variables: Variables): Variables {
  const bounded: Record<string, string | number | boolean> = {};
  let bytes = 2;
  for (const [rawName, value] of Object.entries(variables).slice(0, MAX_VARIABLES)) {
    const name = boundData(rawName, MAX_VARIABLE_NAME_LENGTH);
    if (name === "" || Object.hasOwn(bounded, name)) continue;
    const kept = typeof value === "string" ? boundValue(value) : value;
    bytes += Buffer.byteLength(JSON.stringify({ [name]: kept }));
    if (bytes > MAX_VARIABLES_BYTES) break;
    // Not an assignment: a variable may be called __proto__.
    Object.defineProperty(bounded, name, { value: kept, enumerable: true });
  }
  return bounded;
}

/** Text on one line, without invisible characters, cut to a length. */
export function boundText(text: string, maxCharacters: number): string {
  const visible = text
    .toWellFormed()
    .replaceAll(/[\t\n\r\v\f\u0085\u2028\u2029]+/g, " ")
    .replaceAll(INVISIBLE, "")
    .trim();
  const cut = visible.slice(0, maxCharacters);
  return (cut.isWellFormed() ? cut : cut.slice(0, -1)).trim();
}
