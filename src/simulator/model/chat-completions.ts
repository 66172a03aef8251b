// An OpenAI-compatible chat endpoint in front of the scripted agent: streamed or whole, with tool
// calls, usage and faults. Any key is accepted: it opens nothing. Its waits are real time.

import type { FastifyInstance, FastifyReply } from "fastify";
import { openDice, type Dice } from "../dice.ts";
import type { SimulatorRun } from "../simulator-run.ts";
import {
  answerChat,
  argumentsOf,
  tokensOf,
  usageOf,
  type ChatAnswer,
  type ToolCall,
} from "./chat-answer.ts";
import { ChatRequest, SIMULATED_MODEL } from "./chat-request.ts";
import { drawModelFault, spoilAnswer, type StreamFault } from "./model-fault.ts";
import type { ModelTiming } from "./model-timing.ts";

/** A long talk with a long prompt is some tens of KiB. */
const MAX_BODY_BYTES = 1024 * 1024;

const MAX_RUNAWAY_TOKENS = 20_000;

export interface ChatOptions {
  readonly run: () => SimulatorRun;
  readonly seed: number;
  readonly timing: ModelTiming;
}

/** What every answer or chunk of one request starts with. */
interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

export function addChatRoutes(app: FastifyInstance, options: ChatOptions): void {
  const dice = openDice(options.seed, "model faults");
  const ids = openDice(options.seed, "model ids");
  app.get("/v1/models", () => ({
    object: "list",
    data: [{ id: SIMULATED_MODEL, object: "model", created: 0, owned_by: "carillon-simulator" }],
  }));
  app.post("/v1/chat/completions", { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
    const parsed = ChatRequest.safeParse(parseJson(request.body));
    if (!parsed.success) {
      return sendError(reply, 400, parsed.error.issues[0]?.message ?? "invalid request");
    }
    const run = options.run();
    const fault = drawModelFault(dice, run.faults.model);
    if (fault.status !== null) return sendError(reply, fault.status, "failed on purpose");
    const offered = (parsed.data.tools ?? []).map((tool) => tool.function);
    const answer = spoilAnswer(answerChat(parsed.data), offered, fault.answer);
    const head = {
      id: `chatcmpl-${ids.hex(24)}`,
      created: Math.floor(run.pace.now() / 1000),
      model: parsed.data.model,
    };
    await passed(run, options.timing.firstTokenMs + fault.slowMs);
    if (parsed.data.stream !== true) {
      return reply.send(formatWhole(head, answer, usageOf(parsed.data, answer), ids));
    }
    reply.hijack();
    const withUsage = parsed.data.stream_options?.include_usage === true;
    await new ChatStream(reply, head, run, options.timing.perTokenMs).send(
      answer,
      ids,
      fault.stream,
      withUsage ? usageOf(parsed.data, answer) : null,
    );
    return reply;
  });
}

/** One streamed answer. It stops by itself when the client goes away. */
class ChatStream {
  readonly #raw: FastifyReply["raw"];
  readonly #head: Head;
  readonly #run: SimulatorRun;
  readonly #perTokenMs: number;

  constructor(reply: FastifyReply, head: Head, run: SimulatorRun, perTokenMs: number) {
    this.#raw = reply.raw;
    this.#head = head;
    this.#run = run;
    this.#perTokenMs = perTokenMs;
    this.#raw.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
    });
  }

  async send(
    answer: ChatAnswer,
    ids: Dice,
    fault: StreamFault | null,
    usage: object | null,
  ): Promise<void> {
    if (fault === "fail_before_first_token") return this.#break();
    this.#delta({ role: "assistant", content: "" }, null);
    if (fault === "runs_away") return this.#runAway(answer);
    const tokens = tokensOf(answer.text);
    const middle = Math.ceil(tokens.length / 2);
    for (const [index, token] of tokens.entries()) {
      if (index === middle && fault === "fail_mid_stream") {
        await this.#flushed();
        return this.#break();
      }
      // The connection stays open until the client gives up.
      if (index === middle && fault === "stall") return;
      if (this.#raw.destroyed) return;
      this.#delta({ content: token }, null);
      if (this.#perTokenMs > 0) await passed(this.#run, this.#perTokenMs);
    }
    for (const [index, call] of answer.toolCalls.entries()) this.#toolCall(index, call, ids);
    this.#delta({}, answer.toolCalls.length === 0 ? "stop" : "tool_calls");
    if (usage !== null) this.#chunk({ choices: [], usage });
    this.#raw.end("data: [DONE]\n\n");
  }

  /** Says the same again and again until nobody listens, or for longer than anybody would. */
  async #runAway(answer: ChatAnswer): Promise<void> {
    const tokens = tokensOf(answer.text === "" ? "And another thing." : answer.text);
    for (let sent = 0; sent < MAX_RUNAWAY_TOKENS && !this.#raw.destroyed; sent += 1) {
      this.#delta({ content: tokens[sent % tokens.length] }, null);
      await passed(this.#run, Math.max(1, this.#perTokenMs));
    }
    this.#raw.end();
  }

  /** Name first, then the arguments in two pieces, as real models send them. */
  #toolCall(index: number, call: ToolCall, ids: Dice): void {
    const { name } = call;
    const id = `call_${ids.hex(24)}`;
    const text = argumentsOf(call);
    const half = Math.ceil(text.length / 2);
    const first = { index, id, type: "function", function: { name, arguments: "" } };
    this.#delta({ tool_calls: [first] }, null);
    for (const part of [text.slice(0, half), text.slice(half)]) {
      this.#delta({ tool_calls: [{ index, function: { arguments: part } }] }, null);
    }
  }

  #delta(delta: object, finishReason: string | null): void {
    this.#chunk({ choices: [{ index: 0, delta, finish_reason: finishReason }] });
  }

  #chunk(fields: object): void {
    const chunk = { ...this.#head, object: "chat.completion.chunk", ...fields };
    if (!this.#raw.destroyed) this.#raw.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }

  /** Resolves when everything written so far has left this process. */
  #flushed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#raw.write(": comment\n\n", () => resolve());
    return promise;
  }

  #break(): void {
    this.#raw.destroy();
  }
}

function formatWhole(head: Head, answer: ChatAnswer, usage: object, ids: Dice): object {
  const toolCalls = answer.toolCalls.map((call) => ({
    id: `call_${ids.hex(24)}`,
    type: "function",
    function: { name: call.name, arguments: argumentsOf(call) },
  }));
  const hasCalls = toolCalls.length > 0;
  const message = {
    role: "assistant",
    content: answer.text === "" ? null : answer.text,
    ...(hasCalls ? { tool_calls: toolCalls } : {}),
  };
  return {
    ...head,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: hasCalls ? "tool_calls" : "stop" }],
    usage,
  };
}

function parseJson(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function sendError(reply: FastifyReply, status: number, message: string): FastifyReply {
  const type =
    status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  return reply.code(status).send({ error: { message, type, code: null, param: null } });
}

function passed(run: SimulatorRun, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  run.pace.after(ms, resolve);
  return promise;
}
