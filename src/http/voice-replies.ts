// The replies of the language model in one conversation: a stream each, its chunks as events,
// aborted when the conversation has no more use for it. Nothing here throws or retries; what a
// failure means is the conversation's to say.

import type { FastifyBaseLogger } from "fastify";

import type { Model, ModelChunk, ModelRequest } from "../ports/model.ts";
import type { VoiceEvent } from "./relay-translation.ts";

export interface VoiceReplies {
  start(turnId: number, request: ModelRequest): void;
  /** Nothing of this reply happens any more. Idempotent. */
  abort(turnId: number): void;
  abortAll(): void;
}

export function createVoiceReplies(
  model: Model,
  log: FastifyBaseLogger,
  happen: (event: VoiceEvent) => void,
): VoiceReplies {
  const running = new Map<number, AbortController>();

  async function hear(turnId: number, request: ModelRequest, signal: AbortSignal): Promise<void> {
    for await (const chunk of model.reply(request, signal)) {
      if (signal.aborted) return;
      if (chunk.kind === "failed") {
        const { message, retryable } = chunk;
        log.warn({ reason: message, retryable }, "the language model failed");
      }
      happen(eventOf(turnId, chunk));
    }
  }

  return {
    start: (turnId, request) => {
      const controller = new AbortController();
      running.set(turnId, controller);
      hear(turnId, request, controller.signal)
        .catch((error: unknown) => {
          // The port promises never to throw: this is a defect, and the person still gets an
          // answer.
          log.error({ err: error }, "the language model's adapter threw");
          happen({ kind: "modelFailed", turnId, retryable: false });
        })
        .finally(() => {
          if (running.get(turnId) === controller) running.delete(turnId);
        });
    },
    abort: (turnId) => {
      running.get(turnId)?.abort();
      running.delete(turnId);
    },
    abortAll: () => {
      for (const controller of running.values()) controller.abort();
      running.clear();
    },
  };
}

function eventOf(turnId: number, chunk: ModelChunk): VoiceEvent {
  switch (chunk.kind) {
    case "text":
      return { kind: "modelToken", turnId, text: chunk.text };
    case "tool_call":
      return { kind: "modelToolCall", turnId, name: chunk.name, input: chunk.input };
    case "done":
      return {
        kind: "modelDone",
        turnId,
        inputTokens: chunk.inputTokens,
        outputTokens: chunk.outputTokens,
      };
    case "failed":
      return { kind: "modelFailed", turnId, retryable: chunk.retryable };
  }
}
