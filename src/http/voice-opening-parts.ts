// From a stored conversation to what the agent holds it with: settings of agent and number weighed,
// facts about the call, and a boundary that nobody can guess.

import type { EarlierCall } from "../agent/call-facts.ts";
import type { SessionOpening } from "../agent/session.ts";
import { parseCallingWindow } from "../domain/calling-window.ts";
import type { CallbackRules } from "../domain/callback-time.ts";
import type { Random } from "../ports/random.ts";
import type { Conversation } from "../store/conversations.ts";

/** 72 bits: nobody who fills in a list can guess where its data ends. */
const BOUNDARY_BYTES = 9;

/** All but the instant at which it begins. */
export function openingOf(
  conversation: Conversation,
  random: Random,
): Omit<SessionOpening, "context"> & { readonly context: Omit<SessionOpening["context"], "at"> } {
  const { agentSettings: agent, numberSettings: number } = conversation;
  return {
    agent,
    numberPrompt: number?.custom_prompt ?? null,
    voicemailMessage: voicemailMessageOf(conversation),
    callback: callbackRulesOf(conversation),
    isRecorded: conversation.isRecorded,
    purpose: conversation.prompt,
    variables: conversation.variables,
    greeting: conversation.greeting,
    boundary: Buffer.from(random.bytes(BOUNDARY_BYTES)).toString("base64url"),
    context: {
      timezone: conversation.timezone,
      calleePhone: conversation.toNumber,
      businessPhone: conversation.fromNumber,
      attempt: conversation.attempt,
      earlier: earlierCallOf(conversation),
    },
  };
}

// Nobody would make a single call a second time.
function callbackRulesOf(conversation: Conversation): CallbackRules | null {
  if (conversation.campaignId === null) return null;
  const parsed = parseCallingWindow({
    window_start_minutes: conversation.windowStartMinutes,
    window_end_minutes: conversation.windowEndMinutes,
    window_days: conversation.windowDays,
  });
  if (parsed.kind === "invalid") return null;
  const { timezone, expiresAt, askedBefore } = conversation;
  return { timezone, window: parsed.window, expiresAt, askedBefore };
}

function earlierCallOf({ earlierAt, earlierReason }: Conversation): EarlierCall | null {
  if (earlierAt === null || earlierReason === null) return null;
  return { at: earlierAt, endedReason: earlierReason };
}

// A number's own setting wins over its agent's.
function voicemailMessageOf(conversation: Conversation): string | null {
  const { agentSettings: agent, numberSettings: number } = conversation;
  const mayLeave = number?.voicemail_leave_enabled ?? agent.voicemail_leave_enabled;
  return mayLeave ? (number?.voicemail_message ?? agent.voicemail_message) : null;
}
