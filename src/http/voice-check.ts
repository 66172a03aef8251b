// The second opinion of the language model on who answered: one forced tool call, its input as it
// came. Nothing here throws; what a failure means is the conversation's to say.

import type { FastifyBaseLogger } from "fastify";

import type { Model, ModelRequest } from "../ports/model.ts";

export interface VoiceCheck {
  start(request: ModelRequest): void;
  /** Nothing comes of it any more. Idempotent. */
  abort(): void;
}

/** @param answered gets the tool's input once, or null when the model failed or called no tool */
export function createVoiceCheck(
  model: Model,
  log: FastifyBaseLogger,
  answered: (input: unknown) => void,
): VoiceCheck {
  let running: AbortController | null = null;

  async function ask(request: ModelRequest, signal: AbortSignal): Promise<unknown> {
    let input: unknown = null;
    for await (const chunk of model.reply(request, signal)) {
      if (chunk.kind === "tool_call" && chunk.name === request.requiredTool) input = chunk.input;
      if (chunk.kind === "failed") {
        log.warn({ reason: chunk.message }, "the language model did not say who answered");
      }
    }
    return input;
  }

  return {
    start: (request) => {
      const controller = new AbortController();
      running = controller;
      ask(request, controller.signal)
        .catch((error: unknown) => {
          log.error({ err: error }, "the language model's adapter threw");
          return null;
        })
        .then((input) => {
          if (!controller.signal.aborted) answered(input);
        })
        .catch((error: unknown) => {
          log.error({ err: error }, "a verdict on who answered could not be taken");
        });
    },
    abort: () => {
      running?.abort();
      running = null;
    },
  };
}
