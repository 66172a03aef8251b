// The Model port over the AI SDK. Nothing throws and nothing is retried here: the conversation decides both.
// Tools are declared without `execute`, so a tool call ends the stream and the conversation acts on it.

import { APICallError, jsonSchema, streamText, tool, type LanguageModel, type ModelMessage as SdkMessage, type ToolSet } from "ai";
import type { Model, ModelChunk, ModelConfiguration, ModelRequest } from "../ports/model.ts";
import { createLanguageModel } from "./model-makers.ts";

export interface ModelOptions {
  /** CARILLON_MODEL, `maker:name`; null when nothing is configured. */
  readonly model: string | null;
  readonly baseUrl: string | null;
  readonly apiKey: string | null;
}

const MISSING =
  "No language model is configured. Set CARILLON_MODEL (for example openai:gpt-5-mini) and CARILLON_MODEL_API_KEY, " +
  "or CARILLON_MODEL=openai-compatible:NAME with CARILLON_MODEL_BASE_URL, and restart.";

export function createModel(options: ModelOptions): Model {
  const languageModel = options.model === null ? null : createLanguageModel(options.model, options);
  const configuration: ModelConfiguration =
    languageModel === null ? { kind: "missing", instruction: MISSING } : { kind: "ready", name: options.model ?? "" };
  return {
    configuration: () => configuration,
    reply: (request, signal) =>
      languageModel === null ? refuse() : streamReply(languageModel, request, signal),
  };
}

async function* refuse(): AsyncGenerator<ModelChunk> {
  yield await Promise.resolve({ kind: "failed", retryable: false, message: MISSING } as const);
}

async function* streamReply(
  languageModel: LanguageModel,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelChunk> {
  try {
    const result = streamText({
      model: languageModel,
      ...splitInstructions(request),
      tools: toolsOf(request),
      temperature: request.temperature,
      maxOutputTokens: request.maxOutputTokens,
      abortSignal: signal,
      // The SDK's own waits two seconds before its first retry: dead air.
      maxRetries: 0,
      // Errors arrive as parts of the stream; without this they are also written to the console.
      onError: () => {},
    });
    for await (const part of result.fullStream) {
      if (signal.aborted) return;
      const chunk = chunkOf(part);
      if (chunk !== null) yield chunk;
      if (chunk?.kind === "failed" || chunk?.kind === "done") return;
    }
    if (!signal.aborted) yield { kind: "failed", retryable: true, message: "the model's reply broke off" };
  } catch (error) {
    if (!signal.aborted) yield failureOf(error);
  }
}

type StreamPart = { readonly type: string } & Readonly<Record<string, unknown>>;

function chunkOf(raw: object): ModelChunk | null {
  const part = raw as StreamPart;
  switch (part.type) {
    case "text-delta":
      return { kind: "text", text: String(part["text"] ?? "") };
    case "tool-call":
      return { kind: "tool_call", name: String(part["toolName"]), input: part["input"] };
    case "finish": {
      const usage = part["totalUsage"] as { inputTokens?: number; outputTokens?: number } | undefined;
      return { kind: "done", inputTokens: usage?.inputTokens ?? null, outputTokens: usage?.outputTokens ?? null };
    }
    case "error":
      return failureOf(part["error"]);
    default:
      return null;
  }
}

function failureOf(error: unknown): Extract<ModelChunk, { kind: "failed" }> {
  if (APICallError.isInstance(error)) {
    const status = error.statusCode === undefined ? "" : ` (HTTP ${error.statusCode})`;
    return { kind: "failed", retryable: error.isRetryable, message: `${error.message}${status}`.slice(0, 500) };
  }
  // Connections that break are worth one more try; whoever asks decides whether to make it.
  return { kind: "failed", retryable: true, message: String((error as Error)?.message ?? error).slice(0, 500) };
}

// Providers differ in where instructions may stand; the SDK takes the leading ones apart from the talk.
function splitInstructions(request: ModelRequest): { readonly system: string; readonly messages: SdkMessage[] } {
  const firstTurn = request.messages.findIndex((message) => message.role !== "system");
  const head = firstTurn === -1 ? request.messages : request.messages.slice(0, firstTurn);
  const rest = firstTurn === -1 ? [] : request.messages.slice(firstTurn);
  const messages = rest.map((message): SdkMessage => {
    // A note of the engine's in mid-talk; some makers refuse a second system message.
    if (message.role === "system") return { role: "user", content: `[note: ${message.content}]` };
    return { role: message.role, content: message.content };
  });
  // An empty list is refused by every maker; the agent speaks first with nothing said yet.
  return {
    system: head.map((message) => message.content).join("\n\n"),
    messages: messages.length === 0 ? [{ role: "user", content: "[the call is connected]" }] : messages,
  };
}

function toolsOf(request: ModelRequest): ToolSet {
  return Object.fromEntries(
    request.tools.map((each) => [
      each.name,
      tool({ description: each.description, inputSchema: jsonSchema(each.inputSchema) }),
    ]),
  );
}
