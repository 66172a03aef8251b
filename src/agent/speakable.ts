// Recognisers send words; anything else in them (control characters, lone surrogates, the brackets
// in which the engine speaks to the model) has no business in a history.

import { MAX_FINAL_CHARACTERS } from "./session-state.ts";

/** The words of what somebody said, bounded. */
export function speakable(text: string): string {
  return text
    .replaceAll(/[\p{Cc}[\]]+/gu, " ")
    .toWellFormed()
    .trim()
    .slice(0, MAX_FINAL_CHARACTERS)
    .toWellFormed();
}
