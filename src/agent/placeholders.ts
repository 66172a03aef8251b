// Placeholders in texts of the tenant: {{name}} and {name}. Filled in one pass, so a value is never
// read as a template. Unknown names stay as they are written (contract B.4, B.8).

import type { Variables } from "../domain/variables.ts";
import { boundValue } from "./bounded-variables.ts";

// A name as people write them in lists: letters, digits, and a few marks inside. Case counts.
const PLACEHOLDER =
  /\{\{\s*([\p{L}_][\p{L}\p{N}_.\- ]{0,63}?)\s*\}\}|\{([\p{L}_][\p{L}\p{N}_.\- ]{0,63})\}/gu;

/**
 * Fills a text. `facts` are the engine's own values ({{current_date}}) and win over variables of
 * the same name; they answer to double braces only, as the contract writes them.
 */
export function fillPlaceholders(
  text: string,
  variables: Variables,
  facts: Readonly<Record<string, string>>,
): string {
  return text.replaceAll(
    PLACEHOLDER,
    (written: string, double: string | undefined, single: string | undefined) => {
      if (double !== undefined && Object.hasOwn(facts, double)) return facts[double] ?? written;
      const name = double ?? single ?? "";
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      return value === undefined ? written : boundValue(value);
    },
  );
}
