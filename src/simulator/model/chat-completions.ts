// An OpenAI-compatible chat endpoint in front of the scripted agent: streamed or whole, with tool
// calls, usage and faults. Any key is accepted: it opens nothing.

import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { openDice, type Dice } from "../dice.ts";
import type { SimulatorRun } from "../simulator-run.ts";
import type { ModelTiming } from "./model-timing.ts";
import { replyTo, type AgentReply } from "./scripted-agent.ts";

export const SIMULATED_MODEL = "scripted-agent";

/** A long talk with a long prompt is some tens of KiB. */
const MAX_BODY_BYTES = 1024 * 1024;

const Part = z.object({ type: z.string(), text: z.string().optional() });
const ChatRequest = z.object({
  model: z.string().default(SIMULATED_MODEL),
  stream: z.boolean().default(false),
  messages: z
    .array(z.object({ role: z.string(), content: z.union([z.string(), z.array(Part)]).nullish() }))
    .min(1),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).nullish(),
});

export interface ChatOptions {
  readonly run: () => SimulatorRun;
  readonly seed: number;
  readonly timing: ModelTiming;
}

export function addChatRoutes(app: FastifyInstance, options: ChatOptions): void {
  const dice = openDice(options.seed, "model faults");
  const ids = openDice(options.seed, "model ids");
  app.get("/v1/models", () => ({
    object: "list",
    data: [{ id: SIMULATED_MODEL, object: "model", created: 0, owned_by: "carillon-simulator" }],
  }));
  app.post("/v1/chat/completions", { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
    const parsed = ChatRequest.safeParse(parseBody(request.body));
    if (!parsed.success)
      return sendError(reply, 400, "invalid_request_error", parsed.error.issues[0]?.message ?? "");
    const fault = drawModelFault(dice, options.run());
    if (fault.status !== null) return sendError(reply, fault.status, "server_error", "simulated");
    const { messages, tools, model, stream } = parsed.data;
    const answer = replyTo(
      messages.map((message) => ({ role: message.role, content: textOf(message.content) })),
      (tools ?? []).some((tool) => tool.function.name === "end_call"),
    );
    const head = {
      id: `chatcmpl-${ids.hex(24)}`,
      created: Math.floor(options.run().pace.now() / 1000),
      model,
    };
    await wait(options.run(), options.timing.firstTokenMs + fault.slowMs);
    if (!stream) return reply.send(wholeAnswer(head, answer, ids));
    reply.hijack();
    await streamAnswer(reply, options, head, answer, { fault, ids });
    return reply;
  });
}

interface ModelFault {
  readonly status: number | null;
  readonly slowMs: number;
  readonly stream: "fail_before_first_token" | "fail_mid_stream" | "stall" | null;
}

function drawModelFault(dice: Dice, run: SimulatorRun): ModelFault {
  const faults = run.faults.model;
  // Every fault is drawn each time, so that changing one probability leaves the others' dice alone.
  const tooMany = dice.chance(faults.too_many_requests.probability);
  const broken = dice.chance(faults.server_error.probability);
  const slow = dice.chance(faults.slow.probability)
    ? dice.between(faults.slow.min_ms, faults.slow.max_ms)
    : 0;
  const kinds = (["fail_before_first_token", "fail_mid_stream", "stall"] as const).filter((kind) =>
    dice.chance(faults[kind].probability),
  );
  return { status: tooMany ? 429 : broken ? 500 : null, slowMs: slow, stream: kinds[0] ?? null };
}

type Head = { readonly id: string; readonly created: number; readonly model: string };

async function streamAnswer(
  reply: FastifyReply,
  options: ChatOptions,
  head: Head,
  answer: AgentReply,
  extra: { readonly fault: ModelFault; readonly ids: Dice },
): Promise<void> {
  const { raw } = reply;
  const { fault } = extra;
  raw.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  const send = (delta: object, finish: string | null, usage: object | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    const chunk = {
      ...head,
      object: "chat.completion.chunk",
      choices,
      ...(usage === null ? {} : { usage }),
    };
    raw.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  if (fault.stream === "fail_before_first_token") return void raw.destroy();
  send({ role: "assistant", content: "" }, null);
  const tokens = tokensOf(answer.text);
  for (const [index, token] of tokens.entries()) {
    if (raw.destroyed) return;
    if (index === Math.floor(tokens.length / 2) && fault.stream === "fail_mid_stream")
      return void raw.destroy();
    if (index === Math.floor(tokens.length / 2) && fault.stream === "stall") return;
    send({ content: token }, null);
    if (options.timing.perTokenMs > 0) await wait(options.run(), options.timing.perTokenMs);
  }
  if (answer.tool !== null)
    send({ tool_calls: [{ index: 0, ...toolCall(answer.tool, extra.ids) }] }, null);
  send({}, answer.tool === null ? "stop" : "tool_calls", usageOf(answer));
  raw.end("data: [DONE]\n\n");
}

function wholeAnswer(head: Head, answer: AgentReply, ids: Dice): object {
  const calls = answer.tool === null ? {} : { tool_calls: [toolCall(answer.tool, ids)] };
  return {
    ...head,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: answer.text, ...calls },
        finish_reason: answer.tool === null ? "stop" : "tool_calls",
      },
    ],
    usage: usageOf(answer),
  };
}

function toolCall(tool: NonNullable<AgentReply["tool"]>, ids: Dice): object {
  return {
    id: `call_${ids.hex(24)}`,
    type: "function",
    function: { name: tool.name, arguments: JSON.stringify(tool.input) },
  };
}

function usageOf(answer: AgentReply): object {
  const completion = tokensOf(answer.text).length;
  return { prompt_tokens: 100, completion_tokens: completion, total_tokens: 100 + completion };
}

/** Words with the space before them, as models stream them. */
function tokensOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

function parseBody(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function textOf(
  content: string | readonly { readonly text?: string | undefined }[] | null | undefined,
): string {
  if (content === null || content === undefined) return "";
  return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");
}

function sendError(
  reply: FastifyReply,
  status: number,
  type: string,
  message: string,
): FastifyReply {
  return reply.code(status).send({ error: { message, type, code: null, param: null } });
}

function wait(run: SimulatorRun, ms: number): Promise<void> {
  return new Promise((resolve) => {
    run.pace.after(ms, resolve);
  });
}
