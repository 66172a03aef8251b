// Two models as one: the second answers when a reply of the first broke before its first word and
// is asked for again. Nothing is retried here; the conversation says what is a retry.

import type { Model } from "../ports/model.ts";

/** A fallback that is not configured is never asked. */
export function withFallback(model: Model, fallback: Model | null): Model {
  if (fallback === null || fallback.configuration().kind === "missing") return model;
  return {
    configuration: () => model.configuration(),
    reply: (request, signal) =>
      (request.isRetry === true ? fallback : model).reply(request, signal),
    // Asked after the call, where a failure costs nothing but a later try.
    answer: (question, signal) => model.answer(question, signal),
  };
}
