// The opening line, prepared before the dial so that nobody waits for a model to hear the first
// word. Pure: the same agent, variables and facts give the same words.

import type { AgentSettings } from "../domain/agent-settings.ts";
import type { Variables } from "../domain/variables.ts";
import { boundText } from "./bounded-variables.ts";
import { factPlaceholders } from "./call-facts.ts";
import type { CallFacts } from "./call-facts.ts";
import { fillPlaceholders } from "./placeholders.ts";

/** More than a minute of speech is no greeting. */
export const MAX_GREETING_CHARACTERS = 1_000;

/**
 * The agent's welcome message with the recipient's variables filled in, on one line. "" when the
 * agent has none: the model then opens the conversation. Without `facts`, {{current_date}} and its
 * kin stay as written.
 */
export function prepareGreeting(
  agent: Pick<AgentSettings, "welcome_message">,
  variables: Variables,
  facts: CallFacts | null = null,
): string {
  const filled = fillPlaceholders(
    agent.welcome_message,
    variables,
    facts === null ? {} : factPlaceholders(facts),
  );
  return boundText(filled, MAX_GREETING_CHARACTERS);
}
