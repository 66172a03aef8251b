// The pretend model through the client that the product uses, and what it says to whom.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, streamText, tool } from "ai";
import { afterEach, expect, test } from "vitest";
import { createModel } from "../../src/model/ai-model.ts";
import { answerChat, argumentsOf } from "../../src/simulator/model/chat-answer.ts";
import { ChatRequest } from "../../src/simulator/model/chat-request.ts";
import { spoilAnswer } from "../../src/simulator/model/model-fault.ts";
import { replyTo } from "../../src/simulator/model/scripted-agent.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import { waitFor } from "../support/wait-for.ts";
import { CALM, control, startTestSimulator } from "./test-simulator.ts";

const PROMPT =
  "You are calling from Bright Smile Dental to remind the patient of their appointment. " +
  "If you hear a machine, reply with [VOICEMAIL].";
const DATA =
  '[note: data]\n===\n{"name":"Hugo Evans","appointment_day":"Tuesday","appointment_time":"10 am"}\n===';

const END_CALL = {
  type: "object",
  properties: { reason: { type: "string", enum: ["other", "goal_reached", "not_interested"] } },
  required: ["reason"],
} as const;

let simulator: Simulator | null = null;
afterEach(async () => {
  await simulator?.close();
  simulator = null;
});

async function startModel(faults: FaultsInput["model"] = {}) {
  simulator = await startTestSimulator({ faults: { ...CALM, model: faults } });
  const provider = createOpenAICompatible({
    name: "simulator",
    baseURL: `${simulator.url}/v1`,
    apiKey: "anything",
    includeUsage: true,
  });
  return provider("scripted-agent");
}

function talk(...turns: string[]) {
  return [
    { role: "system", content: PROMPT },
    { role: "user", content: DATA },
    ...turns.map((content, index) => ({
      role: index % 2 === 0 ? "assistant" : "user",
      content,
    })),
  ];
}

async function stream(
  model: Awaited<ReturnType<typeof startModel>>,
  said: string,
  abortSignal?: AbortSignal,
) {
  const result = streamText({
    model,
    instructions: PROMPT,
    messages: [
      { role: "user", content: DATA },
      { role: "assistant", content: "Can you still make it?" },
      { role: "user", content: said },
    ],
    tools: { end_call: tool({ inputSchema: jsonSchema(END_CALL) }) },
    maxRetries: 0,
    ...(abortSignal === undefined ? {} : { abortSignal }),
    onError: () => undefined,
  });
  const parts = [];
  try {
    for await (const part of result.stream) parts.push(part);
  } catch (error) {
    // A connection that breaks in mid-answer is thrown, not told.
    parts.push({ type: "error" as const, error });
  }
  return parts;
}

test("a reply is streamed token by token, with usage", async () => {
  const parts = await stream(await startModel(), "Yes, that works.");
  const text = parts.filter((part) => part.type === "text-delta");
  expect(text.map((part) => part.text).join("")).toBe(
    "Great, that is confirmed. Is there anything else?",
  );
  expect(text.length).toBeGreaterThan(5);
  const finish = parts.find((part) => part.type === "finish");
  expect(finish).toMatchObject({ finishReason: "stop" });
  expect(finish?.totalUsage.inputTokens).toBeGreaterThan(10);
  expect(finish?.totalUsage.outputTokens).toBe(text.length);
});

test("end_call is called with an input that fits its schema, after the goodbye", async () => {
  const parts = await stream(await startModel(), "Stop calling me!");
  const kinds = parts.map((part) => part.type);
  expect(kinds.indexOf("text-delta")).toBeLessThan(kinds.indexOf("tool-call"));
  expect(parts.find((part) => part.type === "tool-call")).toMatchObject({
    toolName: "end_call",
    input: { reason: "not_interested" },
  });
  expect(parts.find((part) => part.type === "finish")).toMatchObject({
    finishReason: "tool-calls",
  });
});

test.each([
  ["too_many_requests", { too_many_requests: { probability: 1 } }],
  ["server_error", { server_error: { probability: 1 } }],
  ["fail_before_first_token", { fail_before_first_token: { probability: 1 } }],
] as const)("%s ends the stream with an error and no text", async (_name, faults) => {
  const parts = await stream(await startModel(faults), "Yes.");
  expect(parts.some((part) => part.type === "error")).toBe(true);
  expect(parts.some((part) => part.type === "text-delta")).toBe(false);
});

test("a stream that breaks in the middle has some text and an error", async () => {
  const parts = await stream(await startModel({ fail_mid_stream: { probability: 1 } }), "Yes.");
  expect(parts.some((part) => part.type === "text-delta")).toBe(true);
  expect(parts.some((part) => part.type === "error")).toBe(true);
});

test("a stalled stream stays open until the client gives up", async () => {
  const model = await startModel({ stall: { probability: 1 } });
  const stop = new AbortController();
  let isOver = false;
  const parts = stream(model, "Yes.", stop.signal).finally(() => {
    isOver = true;
  });
  const { url } = simulator!;
  await waitFor(async () => (await fetch(`${url}/v1/models`)).ok, { describe: "another answer" });
  expect(isOver).toBe(false);
  stop.abort();
  expect((await parts).some((part) => part.type === "finish")).toBe(false);
});

test("a model that runs away talks until the client has had enough", async () => {
  const model = await startModel({ runs_away: { probability: 1 } });
  const stop = new AbortController();
  const result = streamText({ model, prompt: "Hello?", maxRetries: 0, abortSignal: stop.signal });
  let text = "";
  for await (const part of result.stream) {
    if (part.type === "text-delta") text += part.text;
    if (text.length > 2_000) stop.abort();
  }
  expect(text.length).toBeGreaterThan(2_000);
});

test.each([
  ["broken_arguments", { tool: "end_call", isBroken: true }],
  ["wrong_arguments", { tool: "end_call", isBroken: false }],
  ["unknown_tool", { tool: "transfer_money", isBroken: false }],
] as const)("%s: a tool is called that the product can make nothing of", (fault, expected) => {
  const request = ChatRequest.parse({ messages: talk("Can you still make it?", "Yes.") });
  const offered = [{ name: "end_call", parameters: END_CALL }];
  const [call] = spoilAnswer(answerChat(request), offered, fault).toolCalls;
  expect(call?.name).toBe(expected.tool);
  const isJson = () => JSON.parse(argumentsOf(call ?? { name: "", input: {} })) as unknown;
  if (expected.isBroken) expect(isJson).toThrow(SyntaxError);
  else expect(isJson()).not.toHaveProperty("reason", "goal_reached");
});

test("broken arguments reach the product as a tool call, an empty answer as an end", async () => {
  await startModel({ broken_arguments: { probability: 1 } });
  const ask = async () => {
    const baseUrl = `${simulator?.url ?? ""}/v1`;
    const model = createModel({ model: "openai-compatible:m", baseUrl, apiKey: null });
    const inputSchema = END_CALL;
    const request = {
      messages: [{ role: "user", content: "Yes." }],
      tools: [{ name: "end_call", description: "", inputSchema }],
      temperature: 0,
      maxOutputTokens: 100,
    } as const;
    const chunks = [];
    for await (const chunk of model.reply(request, new AbortController().signal)) {
      if (chunk.kind !== "text") chunks.push(chunk);
    }
    return chunks;
  };
  expect(await ask()).toMatchObject([{ kind: "tool_call", name: "end_call" }, { kind: "done" }]);
  await control(simulator!, "PUT", "/faults", { model: { empty: { probability: 1 } } });
  expect(await ask()).toMatchObject([{ kind: "done" }]);
});

test("whole answers, models and bad requests", async () => {
  await startModel();
  const post = async (body: unknown) => {
    const response = await fetch(`${simulator!.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer any" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  expect(
    await post({ model: "m", messages: talk("Can you still make it?", "Yes.") }),
  ).toMatchObject({
    status: 200,
    body: {
      object: "chat.completion",
      model: "m",
      choices: [{ finish_reason: "stop", message: { role: "assistant" } }],
      usage: { total_tokens: expect.any(Number) },
    },
  });
  expect((await post({ messages: [] })).status).toBe(400);
  expect((await post("text")).status).toBe(400);
  const models = await (await fetch(`${simulator!.url}/v1/models`)).json();
  expect(models).toMatchObject({ data: [{ id: "scripted-agent" }] });
});

test.each([
  [
    "Hello?",
    /Hello Hugo, this is the automated assistant of Bright Smile Dental\..*on Tuesday at 10 am/,
  ],
  ["Who is this?", /Bright Smile Dental/],
  ["Am I talking to a real person?", /automated/],
  ["Hi, leave a message after the tone.", /^\[VOICEMAIL\]$/],
])("to %s, first thing on the line, it says %s", (said, expected) => {
  expect(replyTo([...talk(), { role: "user", content: said }]).text).toMatch(expected);
});

test.each([
  ["I can't make that. Can we move it?", /Thursday at ten or Friday/, false],
  ["Please cancel it.", /canceled/, false],
  ["The first one.", /noted/, false],
  ["No, thanks.", /Goodbye/, true],
  ["I have to go. Bye.", /Goodbye/, true],
  ["Take me off your list.", /not be called again.*Goodbye/, true],
  ["You have the wrong number.", /Goodbye/, true],
  ["Can I talk to a person, please?", /colleague/, true],
  ["Not now. Call me back tomorrow at ten.", /tomorrow at ten/, false],
  ["[keypad: 1]", /confirmed|noted/, false],
])("to %s it says %s", (said, expected, isOver) => {
  const reply = replyTo(talk("I am calling about your appointment. Can you still make it?", said));
  expect(reply.text).toMatch(expected);
  expect(reply.tools.some((each) => each.name === "end_call")).toBe(isOver);
});

test("a call back is asked for on the day after the one in the instructions, then confirmed", () => {
  const facts = "Today is Monday, 30 November 2026. Tomorrow is 1 December 2026.";
  const messages = [
    { role: "user", content: facts },
    { role: "assistant", content: "Can you still make it?" },
    { role: "user", content: "Not now. Call me back tomorrow at ten." },
  ];
  expect(replyTo(messages).tools).toEqual([{ name: "request_callback", why: "2026-12-01T10:00" }]);
  const noted = { role: "user", content: "[note: request_callback: it is noted. Confirm.]" };
  expect(replyTo([...messages, noted]).tools.map((tool) => tool.name)).toEqual(["end_call"]);
});

test("a forced tool and a schema for the answer get values that fit", () => {
  const schema = {
    type: "object",
    properties: {
      kind: { type: "string", enum: ["machine", "human"] },
      score: { type: "number", minimum: 3 },
      note: { type: ["string", "null"] },
      ok: { type: "boolean" },
      list: { type: "array" },
    },
  };
  const messages = [{ role: "user", content: "x" }];
  const forced = ChatRequest.parse({
    messages,
    tools: [{ type: "function", function: { name: "classify", parameters: schema } }],
    tool_choice: { type: "function", function: { name: "classify" } },
  });
  expect(answerChat(forced).toolCalls).toEqual([
    { name: "classify", input: { kind: "human", score: 3, note: "scripted", ok: true, list: [] } },
  ]);
  const shaped = ChatRequest.parse({
    messages,
    response_format: { type: "json_schema", json_schema: { name: "x", schema } },
  });
  expect(JSON.parse(answerChat(shaped).text)).toMatchObject({ score: 3, ok: true });
});
