// The order of messages that every maker accepts: instructions first and apart, then turns that
// begin and end with the person's. Makers differ: some refuse a second system message, some a reply
// first, some a reply last.

import type { ModelMessage as SdkMessage } from "ai";
import type { ModelMessage } from "../ports/model.ts";

export interface PromptMessages {
  readonly instructions: string;
  readonly messages: SdkMessage[];
}

/** Stands where a person's turn must be and nobody spoke: an agent that speaks first. */
const NOBODY_SPOKE_YET = "[the call is connected]";
const NOBODY_SPOKE_SINCE = "[no answer so far]";

export function formatPromptMessages(messages: readonly ModelMessage[]): PromptMessages {
  const firstTurn = messages.findIndex((message) => message.role !== "system");
  const headEnd = firstTurn === -1 ? messages.length : firstTurn;
  const turns = messages.slice(headEnd).map((message): SdkMessage => {
    // A note of ours in mid-talk.
    if (message.role === "system") return { role: "user", content: `[note: ${message.content}]` };
    return { role: message.role, content: message.content };
  });
  if (turns[0]?.role !== "user") turns.unshift({ role: "user", content: NOBODY_SPOKE_YET });
  if (turns.at(-1)?.role !== "user") turns.push({ role: "user", content: NOBODY_SPOKE_SINCE });
  const head = messages.slice(0, headEnd);
  return { instructions: head.map((message) => message.content).join("\n\n"), messages: turns };
}
