// What an agent's `response_length` asks of the model: guidance in words, and a hard bound beside
// it.

import type { AgentSettings } from "../domain/agent-settings.ts";

type ResponseLength = AgentSettings["response_length"];

const GUIDANCE: Readonly<Record<ResponseLength, string>> = {
  short: "Answer in one or two short sentences, about 30 words at most.",
  medium: "Answer in two to four short sentences, about 60 words at most.",
  long: "Answer in as many short sentences as the matter needs, about 120 words at most.",
};

// The bound stops a model that runs away; the guidance sets the length. So it is several times what
// the guidance takes (a word is one to three tokens, more in scripts other than Latin), with room
// for a tool call and some hidden thought.
const MAX_OUTPUT_TOKENS: Readonly<Record<ResponseLength, number>> = {
  short: 300,
  medium: 500,
  long: 900,
};

/** One sentence for the instructions. */
export function responseLengthGuidance(length: ResponseLength): string {
  return GUIDANCE[length];
}

export function maxOutputTokensFor(length: ResponseLength): number {
  return MAX_OUTPUT_TOKENS[length];
}
