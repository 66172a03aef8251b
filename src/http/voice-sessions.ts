// The conversations of this process: one for each open socket, up to a limit. Knows which calls talk here, and can let them
// finish or end them.

import { randomBytes } from "node:crypto";
import type { FastifyBaseLogger } from "fastify";
import { describeCall } from "../agent/call-facts.ts";
import { buildPreamble } from "../agent/prompt.ts";
import { planSession, type SessionPlan } from "../agent/session-state.ts";
import type { RelaySetupFrame } from "../carrier/twilio/relay-frames.ts";
import type { CarrierEvent } from "../domain/carrier-event.ts";
import type { EndCause } from "../domain/call-life.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import {
  loadConversation,
  recordConversation,
  type Conversation,
  type ConversationFacts,
} from "../store/conversations.ts";
import { createVoiceSession, type VoiceSession } from "./voice-session.ts";

/** A snapshot is worth a few tries; the next one replaces it anyway. */
const MAX_RECORD_TRIES = 4;
const RECORD_RETRY_MS = 250;
const DRAIN_POLL_MS = 100;
const BOUNDARY_BYTES = 9;

export interface VoiceSessionsOptions {
  readonly database: Database;
  readonly model: Model;
  readonly clock: Clock;
  /** Names this process on the calls that talk here. */
  readonly owner: string;
  readonly maxSessions: number;
  readonly log: FastifyBaseLogger;
  /** Resolves when the events are committed. */
  apply(events: readonly CarrierEvent[]): Promise<void>;
}

export interface SocketSide {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface VoiceSessions {
  readonly maxSessions: number;
  count(): number;
  callIds(): readonly string[];
  /** Opens the conversation that a `setup` frame names; a string says why not. */
  open(
    callId: string,
    dialNumber: number,
    setup: RelaySetupFrame,
    socket: SocketSide,
  ): Promise<VoiceSession | string>;
  /** Waits until every conversation is over, at most so long; then ends the rest. */
  drain(deadlineMs: number): Promise<void>;
}

export function createVoiceSessions(options: VoiceSessionsOptions): VoiceSessions {
  const sessions = new Map<string, VoiceSession>();

  async function open(
    callId: string,
    dialNumber: number,
    setup: RelaySetupFrame,
    socket: SocketSide,
  ): Promise<VoiceSession | string> {
    // The socket is itself a proof that the call was answered, whatever callbacks are still under way.
    await options.apply([answeredEvent(callId, dialNumber, setup, options.clock)]);
    const conversation = await loadConversation(options.database, callId);
    const refusal = refusalOf(conversation, dialNumber, setup);
    if (refusal !== null || conversation === null) return refusal ?? "there is no such call";
    if (sessions.has(callId)) return "the call already has a conversation here";
    const session = createVoiceSession({
      plan: planOf(conversation, options.clock),
      clock: options.clock,
      model: options.model,
      send: (text) => socket.send(text),
      record: (facts) => record(options, callId, facts, setup.sessionId),
      ended: () => {
        sessions.delete(callId);
      },
      onFault: (error) =>
        options.log.error({ callId, err: error }, "an effect of a conversation failed"),
    });
    sessions.set(callId, session);
    return session;
  }

  const endAll = (cause: EndCause): void => {
    for (const session of sessions.values()) session.end(cause);
  };

  return {
    maxSessions: options.maxSessions,
    count: () => sessions.size,
    callIds: () => [...sessions.keys()],
    open,
    drain: async (deadlineMs) => {
      const deadline = performance.now() + deadlineMs;
      while (sessions.size > 0 && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
      }
      endAll("server_restart");
    },
  };
}

function answeredEvent(
  callId: string,
  dialNumber: number,
  setup: RelaySetupFrame,
  clock: Clock,
): CarrierEvent {
  return {
    kind: "status",
    callId,
    dialNumber,
    carrierCallId: setup.callSid,
    at: clock.now(),
    source: "callback",
    status: "in_progress",
    durationSeconds: null,
    sipResponseCode: null,
  };
}

function refusalOf(
  conversation: Conversation | null,
  dialNumber: number,
  setup: RelaySetupFrame,
): string | null {
  if (conversation === null) return "there is no such call, or it is over";
  if (conversation.carrierAccountId !== setup.accountSid) return "the setup names another account";
  if (conversation.dialNumber !== dialNumber) return "the setup belongs to an earlier dial";
  if (conversation.carrierCallId !== setup.callSid) return "the setup names another call";
  return null;
}

function planOf(conversation: Conversation, clock: Clock): SessionPlan {
  const { agentSettings: agent, numberSettings } = conversation;
  const facts = describeCall({
    at: clock.now(),
    timezone: conversation.timezone,
    calleePhone: conversation.toNumber,
    businessPhone: conversation.fromNumber,
    attempt: conversation.attempt,
  });
  const preamble = buildPreamble({
    agent,
    numberPrompt: numberSettings?.custom_prompt ?? null,
    purpose: conversation.prompt,
    variables: conversation.variables,
    facts,
    boundary: randomBytes(BOUNDARY_BYTES).toString("base64url"),
  });
  return planSession(agent, { preamble, greeting: conversation.greeting ?? agent.welcome_message });
}

async function record(
  options: VoiceSessionsOptions,
  callId: string,
  facts: ConversationFacts,
  sessionId: string,
): Promise<void> {
  for (let tries = 1; tries <= MAX_RECORD_TRIES; tries += 1) {
    try {
      await recordConversation(options.database, callId, facts, {
        process: options.owner,
        sessionId,
      });
      return;
    } catch (error) {
      options.log.warn({ callId, tries, err: error }, "what was said could not be stored yet");
      await new Promise((resolve) => setTimeout(resolve, RECORD_RETRY_MS * tries));
    }
  }
}
