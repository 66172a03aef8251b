// The Model port over the AI SDK. Nothing throws and nothing is retried here: the conversation
// decides both. Tools are declared without `execute`, so a tool call ends the stream and the
// conversation acts on it. Time limits are the conversation's timers, which abort the signal; the
// SDK's own would run on the wall clock.

import { generateText, jsonSchema, NoObjectGeneratedError, Output, streamText, tool } from "ai";
import type { LanguageModel, TextStreamPart, ToolSet } from "ai";
import type {
  Model,
  ModelAnswer,
  ModelChunk,
  ModelQuestion,
  ModelRequest,
} from "../ports/model.ts";
import { readModelFailure } from "./model-failure.ts";
import { resolveModel } from "./model-makers.ts";
import type { ModelOptions } from "./model-makers.ts";
import { formatPromptMessages } from "./prompt-messages.ts";

/**
 * The configured model. Missing settings are told by `configuration()`; its replies then fail with
 * the same words.
 */
export function createModel(options: ModelOptions): Model {
  // The SDK would write its remarks (a model that ignores the temperature) to the console, one per
  // reply.
  (globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;
  const resolved = resolveModel(options);
  if (resolved.kind === "missing") {
    const { instruction } = resolved;
    return {
      configuration: () => ({ kind: "missing", instruction }),
      reply: () => refuse(instruction),
      answer: () => Promise.resolve({ kind: "failed", retryable: false, message: instruction }),
    };
  }
  const { name, languageModel } = resolved;
  return {
    configuration: () => ({ kind: "ready", name }),
    reply: (request, signal) => streamReply(languageModel, options.apiKey, request, signal),
    answer: (question, signal) =>
      askForAnswer({ languageModel, apiKey: options.apiKey }, question, signal),
  };
}

async function* refuse(message: string): AsyncGenerator<ModelChunk> {
  yield await Promise.resolve({ kind: "failed", retryable: false, message } as const);
}

async function* streamReply(
  languageModel: LanguageModel,
  apiKey: string | null,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelChunk> {
  if (signal.aborted) return;
  // Ours as well as the caller's: whoever stops reading without aborting must not leave a reply
  // running and billed.
  const stopped = new AbortController();
  const stop = (): void => {
    stopped.abort();
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const part of openStream(languageModel, request, stopped.signal)) {
      // An abort comes as a part or as an end of the stream, depending on where it hits; our own
      // signal decides.
      if (signal.aborted) return;
      const chunk = readPart(part, apiKey);
      if (chunk === null) continue;
      yield chunk;
      if (chunk.kind === "done" || chunk.kind === "failed") return;
    }
    if (!signal.aborted) yield brokenOff("the reply ended without its end");
  } catch (error) {
    if (!signal.aborted) yield readModelFailure(error, apiKey);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

function openStream(
  languageModel: LanguageModel,
  request: ModelRequest,
  abortSignal: AbortSignal,
): AsyncIterable<TextStreamPart<ToolSet>> {
  return streamText({
    model: languageModel,
    ...formatPromptMessages(request.messages),
    tools: declareTools(request),
    ...(request.requiredTool === undefined
      ? {}
      : { toolChoice: { type: "tool", toolName: request.requiredTool } as const }),
    temperature: request.temperature,
    maxOutputTokens: request.maxOutputTokens,
    abortSignal,
    // The SDK's own retry waits two seconds first: dead air.
    maxRetries: 0,
    // Errors arrive as parts of the stream; without this they are also written to the console.
    onError: () => undefined,
  }).stream;
}

function readPart(part: TextStreamPart<ToolSet>, apiKey: string | null): ModelChunk | null {
  if (part.type === "text-delta") {
    return part.text === "" ? null : { kind: "text", text: part.text };
  }
  if (part.type === "tool-call") {
    return { kind: "tool_call", name: part.toolName, input: part.input };
  }
  if (part.type === "error") return readModelFailure(part.error, apiKey);
  if (part.type !== "finish") return null;
  if (part.finishReason === "error") return brokenOff("the model reported an error");
  return {
    kind: "done",
    inputTokens: part.totalUsage.inputTokens ?? null,
    outputTokens: part.totalUsage.outputTokens ?? null,
  };
}

async function askForAnswer(
  model: { readonly languageModel: LanguageModel; readonly apiKey: string | null },
  question: ModelQuestion,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  try {
    const { text } = await generateText({
      model: model.languageModel,
      ...formatPromptMessages(question.messages),
      output: Output.object({ schema: jsonSchema(question.answerSchema) }),
      temperature: 0,
      maxOutputTokens: question.maxOutputTokens,
      abortSignal: signal,
      maxRetries: 0,
    });
    return { kind: "answered", text };
  } catch (error) {
    // It answered, and not in JSON: whoever asked reads answers.
    if (NoObjectGeneratedError.isInstance(error) && error.text !== undefined) {
      return { kind: "answered", text: error.text };
    }
    return readModelFailure(error, model.apiKey);
  }
}

function brokenOff(message: string): ModelChunk {
  return { kind: "failed", retryable: true, message };
}

function declareTools(request: ModelRequest): ToolSet {
  return Object.fromEntries(
    request.tools.map((each) => [
      each.name,
      tool({ description: each.description, inputSchema: jsonSchema(each.inputSchema) }),
    ]),
  );
}
