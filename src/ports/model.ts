// A language model, one streamed reply at a time for the conversation, one whole answer for what
// comes after it. Nothing here throws or retries.

export interface ModelMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/**
 * A tool the model may call. It is never executed behind this port; the call comes back as a chunk.
 */
export interface ModelTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the input. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

export interface ModelRequest {
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ModelTool[];
  /** The same was asked before and broke: a second model, where there is one, is to answer. */
  readonly isRetry?: true;
  /** The reply has to be a call of this tool. */
  readonly requiredTool?: string;
  /** 0 to 1. */
  readonly temperature: number;
  readonly maxOutputTokens: number;
}

export type ModelChunk =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tool_call"; readonly name: string; readonly input: unknown }
  /** The reply is complete. Last chunk. */
  | {
      readonly kind: "done";
      readonly inputTokens: number | null;
      readonly outputTokens: number | null;
    }
  /** The reply broke. Last chunk. `retryable`: the same request may succeed at once. */
  | { readonly kind: "failed"; readonly retryable: boolean; readonly message: string };

/** One question with one answer that must fit a schema. */
export interface ModelQuestion {
  readonly messages: readonly ModelMessage[];
  /** JSON Schema of an object, in the keywords that strict makers take. */
  readonly answerSchema: Readonly<Record<string, unknown>>;
  readonly maxOutputTokens: number;
}

export type ModelAnswer =
  /** What the model wrote, unread: it may fit the schema or not. */
  | { readonly kind: "answered"; readonly text: string }
  | { readonly kind: "failed"; readonly retryable: boolean; readonly message: string };

export type ModelConfiguration =
  | { readonly kind: "ready"; readonly name: string }
  /** What the operator has to set before anybody can be called. */
  | { readonly kind: "missing"; readonly instruction: string };

export interface Model {
  configuration(): ModelConfiguration;
  /**
   * Streams one reply. Ends with exactly one `done` or `failed`, or with nothing more once `signal`
   * is aborted. Never throws and never retries by itself.
   */
  reply(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelChunk>;
  /** Asks once. Never throws and never retries; an aborted question has failed. */
  answer(question: ModelQuestion, signal: AbortSignal): Promise<ModelAnswer>;
}
