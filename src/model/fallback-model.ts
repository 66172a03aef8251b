// Two models as one: the second answers when a reply of the first broke before its first word and
// is asked for again. Nothing is retried here; the conversation says what is a retry.

import type { Model, ModelChunk } from "../ports/model.ts";

/** A fallback that is not configured is never asked. */
export function withFallback(model: Model, fallback: Model | null): Model {
  if (fallback === null || fallback.configuration().kind === "missing") return model;
  return {
    configuration: () => model.configuration(),
    reply: (request, signal) =>
      request.isRetry === true
        ? fallback.reply(request, signal)
        : worthAnotherTry(model.reply(request, signal)),
    // Asked after the call, where a failure costs nothing but a later try.
    answer: (question, signal) => model.answer(question, signal),
  };
}

// A revoked key or a retired name is final for the first model only.
async function* worthAnotherTry(reply: AsyncIterable<ModelChunk>): AsyncGenerator<ModelChunk> {
  for await (const chunk of reply) {
    yield chunk.kind === "failed" ? { ...chunk, retryable: true } : chunk;
  }
}
