// A language model whose tool calls and failures are noted for one talk.

import type { Model, ModelChunk, ModelRequest } from "../../ports/model.ts";

export interface NotedToolCall {
  readonly name: string;
  readonly input: unknown;
}

export interface ModelNotes {
  readonly toolCalls: NotedToolCall[];
  /** What the model said when it failed. */
  readonly failures: string[];
}

export function notedModel(model: Model, notes: ModelNotes): Model {
  return {
    configuration: () => model.configuration(),
    answer: (question, signal) => model.answer(question, signal),
    reply: (request, signal) => noted(model, request, signal, notes),
  };
}

async function* noted(
  model: Model,
  request: ModelRequest,
  signal: AbortSignal,
  { toolCalls, failures }: ModelNotes,
): AsyncGenerator<ModelChunk> {
  for await (const chunk of model.reply(request, signal)) {
    // A required tool is a question about who answered, none of the agent's.
    if (chunk.kind === "tool_call" && request.requiredTool === undefined) {
      toolCalls.push({ name: chunk.name, input: chunk.input });
    }
    if (chunk.kind === "failed") failures.push(chunk.message);
    yield chunk;
  }
}
