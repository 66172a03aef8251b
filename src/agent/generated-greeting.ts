// An opening that the model writes while the phone rings, so that nobody waits for it: the request,
// and what is kept of the answer. What is not usable is null, and the welcome message is spoken.

import type { Instant } from "../domain/instant.ts";
import type { ModelRequest } from "../ports/model.ts";
import { boundText } from "./bounded-variables.ts";
import { describeCall } from "./call-facts.ts";
import { MAX_GREETING_CHARACTERS } from "./greeting.ts";
import { buildPreamble } from "./prompt.ts";
import type { PromptParts } from "./prompt.ts";
import type { CallContext } from "./call-facts.ts";
import { filterToken, FRESH_FILTER, flushFilter } from "./spoken-text.ts";
import { recitesRules } from "./withheld-text.ts";

/** Phones ring for longer; an opening that is later than this would not be there in time. */
export const OPENING_LIMIT_MS = 6_000;
/** Two spoken sentences. */
const MAX_OPENING_TOKENS = 120;

const NOTE =
  "[note: the phone is ringing. Write only your opening line: one or two short spoken sentences that greet the person, " +
  "by name if you know it, say who is calling and why, and end with a question.]";

/** @param at when the call is made */
export function openingRequest(
  parts: Omit<PromptParts, "facts"> & { readonly context: Omit<CallContext, "at"> },
  at: Instant,
): ModelRequest {
  const { context, ...prompt } = parts;
  const facts = describeCall({ ...context, at });
  const [system, user] = buildPreamble({ ...prompt, facts });
  return {
    messages: [
      ...(system === undefined ? [] : [system]),
      { role: "user", content: `${user?.content ?? ""}\n\n${NOTE}`.trim() },
    ],
    tools: [],
    temperature: parts.agent.temperature,
    maxOutputTokens: MAX_OPENING_TOKENS,
  };
}

/**
 * What a voice can say of the answer; null when it is nothing, a tag instead of words, or the
 * engine's own rules.
 */
export function readOpeningReply(text: string): string | null {
  const first = filterToken(FRESH_FILTER, text);
  const last = flushFilter(first.filter);
  if (first.tags.length + last.tags.length > 0) return null;
  const spoken = boundText(`${first.text}${last.text}`, MAX_GREETING_CHARACTERS)
    .replace(/^["“](.*)["”]$/, "$1")
    .trim();
  return spoken === "" || recitesRules("", spoken) ? null : spoken;
}
