// What is answered to a chat request: the scripted agent's words and the tools it was offered, or a
// value that fits the schema that was asked for.

import type { ChatRequest } from "./chat-request.ts";
import { answerAnalysis } from "./scripted-analysis.ts";
import { sampleForSchema } from "./schema-sample.ts";
import { replyTo } from "./scripted-agent.ts";

export interface ToolCall {
  readonly name: string;
  readonly input: unknown;
  /** Its arguments are cut off: no JSON. */
  readonly isBroken?: true;
}

export interface OfferedTool {
  readonly name: string;
  readonly parameters?: unknown;
}

export interface ChatAnswer {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
}

export function answerChat(request: ChatRequest): ChatAnswer {
  const tools = (request.tools ?? []).map((tool) => tool.function);
  const choice = request.tool_choice;
  if (typeof choice === "object" && choice !== null) {
    const forced = tools.find((tool) => tool.name === choice.function.name);
    const input = sampleForSchema(forced?.parameters, ["human", "yes", "scripted"]);
    return { text: "", toolCalls: [{ name: choice.function.name, input }] };
  }
  const schema = request.response_format?.json_schema?.schema;
  if (schema !== undefined) {
    const question = request.messages.findLast((message) => message.role === "user");
    const analysis = answerAnalysis(schema, question?.content ?? "");
    if (analysis !== null) return { text: JSON.stringify(analysis), toolCalls: [] };
    const sample = sampleForSchema(schema, ["completed", "neutral", "unknown"]);
    return { text: JSON.stringify(sample), toolCalls: [] };
  }
  const reply = replyTo(
    request.messages,
    tools.map((tool) => tool.name),
  );
  const wanted = choice === "none" ? [] : reply.tools;
  const toolCalls = wanted.flatMap(({ name, why }) => {
    const offered = tools.find((tool) => tool.name === name);
    if (offered === undefined) return [];
    return [{ name, input: sampleForSchema(offered.parameters, [why, "goal_reached", why]) ?? {} }];
  });
  return { text: reply.text, toolCalls };
}

/** The arguments of a call, as a model writes them. */
export function argumentsOf(call: ToolCall): string {
  const text = JSON.stringify(call.input);
  return call.isBroken === true ? `${text.slice(0, -1)},"` : text;
}

/** Words with the space before them, as models stream them. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

export function usageOf(request: ChatRequest, answer: ChatAnswer): object {
  // Four characters are a token, about.
  const characters = request.messages.reduce((sum, message) => sum + message.content.length, 0);
  const prompt = Math.ceil(characters / 4);
  const completion = tokensOf(answer.text).length + answer.toolCalls.length * 8;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}
