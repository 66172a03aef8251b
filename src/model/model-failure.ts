// Why a reply broke, as the last chunk of it. What matters is whether the same request may succeed
// at once.

import {
  APICallError,
  InvalidPromptError,
  LoadAPIKeyError,
  LoadSettingError,
  NoSuchModelError,
  UnsupportedFunctionalityError,
} from "ai";
import type { ModelChunk } from "../ports/model.ts";

export type FailedChunk = Extract<ModelChunk, { kind: "failed" }>;

/** For logs and for the operator; some makers answer with a page. */
const MAX_MESSAGE_CHARACTERS = 300;

/** Errors of the request itself: it breaks the same way again. */
const HOPELESS = [
  InvalidPromptError,
  LoadAPIKeyError,
  LoadSettingError,
  NoSuchModelError,
  UnsupportedFunctionalityError,
];

/** @param apiKey blotted out wherever a maker repeats it */
export function readModelFailure(error: unknown, apiKey: string | null): FailedChunk {
  const message = messageOf(error);
  const safe = apiKey === null || apiKey === "" ? message : message.replaceAll(apiKey, "[key]");
  return {
    kind: "failed",
    retryable: isRetryable(error),
    message: safe.slice(0, MAX_MESSAGE_CHARACTERS),
  };
}

function isRetryable(error: unknown): boolean {
  // 408, 409, 429, 5xx and connections that failed.
  if (APICallError.isInstance(error)) return error.isRetryable;
  if (HOPELESS.some((kind) => kind.isInstance(error))) return false;
  // Streams that broke, garbled chunks, an overload told in mid-stream: whoever asks decides
  // whether to try again.
  return true;
}

function messageOf(error: unknown): string {
  if (APICallError.isInstance(error) && error.statusCode !== undefined) {
    return `HTTP ${error.statusCode}: ${error.message}`;
  }
  if (typeof error === "string") return error;
  // In mid-stream a maker's own error object comes as it is.
  const message = (error as { readonly message?: unknown } | null | undefined)?.message;
  return typeof message === "string" && message !== "" ? message : "the model gave no reason";
}
