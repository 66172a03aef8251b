// What the model is asked with: the preamble, the talk so far, a note where it needs one, and the
// tools it may call now.

import type { ModelMessage, ModelRequest } from "../ports/model.ts";
import { MAX_TOOL_CALLS, MAX_TOOL_ROUNDS } from "./session-state.ts";
import type { SessionPlan, SessionState } from "./session-state.ts";
import { formatHistory } from "./turn-memory.ts";

const WRAP_UP_NOTE =
  "[note: the call is about to reach its time limit. Say goodbye in one short sentence and end the call.]";
const GO_ON_NOTE = "[note: it is your turn to speak.]";

export function requestOf(state: SessionState): ModelRequest {
  const { plan } = state;
  const messages = alternate([...plan.preamble, ...formatHistory(state.memory)]);
  if (state.wrappingUp) addNote(messages, WRAP_UP_NOTE);
  else if (messages.at(-1)?.role !== "user") addNote(messages, GO_ON_NOTE);
  return {
    messages,
    tools: toolsOf(state),
    temperature: plan.temperature,
    maxOutputTokens: plan.maxOutputTokens,
    ...(state.turn.isRetry ? { isRetry: true } : {}),
  };
}

function addNote(messages: ModelMessage[], note: string): void {
  const last = messages.at(-1);
  if (last?.role !== "user") messages.push({ role: "user", content: note });
  else messages.splice(-1, 1, { role: "user", content: `${last.content}\n\n${note}` });
}

// Many models refuse two messages of one role in a row.
function alternate(messages: readonly ModelMessage[]): ModelMessage[] {
  const alternating: ModelMessage[] = [];
  for (const message of messages) {
    const last = alternating.at(-1);
    if (last !== undefined && last.role === message.role) {
      alternating.splice(-1, 1, {
        role: last.role,
        content: `${last.content}\n\n${message.content}`,
      });
    } else alternating.push(message);
  }
  return alternating;
}

// A model that has had its rounds has to speak.
function toolsOf({ plan, turn, ownCalls }: SessionState): SessionPlan["tools"] {
  if (turn.toolRounds < MAX_TOOL_ROUNDS && ownCalls.length < MAX_TOOL_CALLS) return plan.tools;
  return plan.tools.filter(({ name }) => plan.ownTools.every((own) => own.name !== name));
}
