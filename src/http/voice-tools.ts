// Calls of the agent's own tools in one conversation: a request each, its outcome as an event,
// aborted when the conversation has no more use for it. Nothing here throws or retries; what a
// failure means is the conversation's to say.

import type { FastifyBaseLogger } from "fastify";

import type { OutboundOutcome } from "../ports/outbound.ts";
import type { Conversation } from "../store/conversations.ts";
import type { VoiceEvent } from "./relay-translation.ts";

export interface ToolCall {
  /** From 1 within the conversation. */
  readonly number: number;
  readonly name: string;
  readonly input: unknown;
}

/** Asks a tool of a conversation's agent, once and within its time limit. */
export type RunTool = (
  conversation: Conversation,
  call: ToolCall & { readonly sessionId: string },
  signal: AbortSignal,
) => Promise<OutboundOutcome>;

export interface VoiceTools {
  start(call: ToolCall): void;
  /** Nothing of this call happens any more. Idempotent. */
  abort(number: number): void;
  abortAll(): void;
}

export function createVoiceTools(
  run: (call: ToolCall, signal: AbortSignal) => Promise<OutboundOutcome>,
  log: FastifyBaseLogger,
  happen: (event: VoiceEvent) => void,
): VoiceTools {
  const running = new Map<number, AbortController>();

  async function ask(call: ToolCall, signal: AbortSignal): Promise<void> {
    const outcome = await outcomeOf(call, signal);
    if (signal.aborted) return;
    running.delete(call.number);
    happen({ kind: "toolAnswered", number: call.number, outcome });
  }

  async function outcomeOf(call: ToolCall, signal: AbortSignal): Promise<OutboundOutcome> {
    try {
      const outcome = await run(call, signal);
      const { name } = call;
      if (outcome.kind === "answered")
        log.info({ tool: name, status: outcome.status }, "a tool answered");
      else if (!signal.aborted)
        log.warn({ tool: name, reason: outcome.reason }, "a tool did not answer");
      return outcome;
    } catch (error) {
      // The person still gets an answer.
      log.error({ err: error, tool: call.name }, "a tool could not be called");
      return { kind: "failed", reason: "it could not be called" };
    }
  }

  return {
    start: (call) => {
      const controller = new AbortController();
      running.set(call.number, controller);
      ask(call, controller.signal).catch((error: unknown) => {
        log.error({ err: error, tool: call.name }, "what a tool answered could not be taken");
      });
    },
    abort: (number) => {
      running.get(number)?.abort();
      running.delete(number);
    },
    abortAll: () => {
      for (const controller of running.values()) controller.abort();
      running.clear();
    },
  };
}
