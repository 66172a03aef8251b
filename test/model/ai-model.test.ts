// One streamed reply at a time, against a real server on the wire that most makers and gateways
// speak.

import { afterEach, expect, test, vi } from "vitest";

import { createModel } from "../../src/model/ai-model.ts";
import type { Model, ModelChunk, ModelRequest } from "../../src/ports/model.ts";
import { waitFor } from "../support/wait-for.ts";
import {
  endSse,
  openSse,
  send,
  sendDelta,
  sendJson,
  sendUsage,
  startSseServer,
} from "./sse-server.ts";
import type { Respond, SseServer } from "./sse-server.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

interface Talk {
  readonly model: Model;
  readonly server: SseServer;
}

async function talkTo(respond: Respond, maker = "openai-compatible"): Promise<Talk> {
  const server = await startSseServer(respond);
  cleanUps.push(() => server.close());
  const model = createModel({
    model: `${maker}:some:model`,
    baseUrl: server.url,
    apiKey: "sk-secret-key",
  });
  return { model, server };
}

const endCall = {
  name: "end_call",
  description: "Ends the call.",
  inputSchema: {
    type: "object",
    properties: { reason: { type: "string" } },
    required: ["reason"],
  },
};

function ask(over: Partial<ModelRequest> = {}): ModelRequest {
  return {
    messages: [
      { role: "system", content: "You call people." },
      { role: "user", content: "Hello?" },
    ],
    tools: [],
    temperature: 0.3,
    maxOutputTokens: 100,
    ...over,
  };
}

async function collect(
  model: Model,
  request = ask(),
  signal = new AbortController().signal,
): Promise<ModelChunk[]> {
  const chunks: ModelChunk[] = [];
  for await (const chunk of model.reply(request, signal)) chunks.push(chunk);
  return chunks;
}

const sayHello: Respond = (response) => {
  openSse(response);
  sendDelta(response, { role: "assistant", content: "" });
  for (const token of ["Hel", "lo, ", "I am Ann."]) sendDelta(response, { content: token });
  sendDelta(response, {}, "stop");
  sendUsage(response, 12, 7);
  endSse(response);
};

test("text comes token by token and ends with what it cost", async () => {
  const { model, server } = await talkTo(sayHello);
  expect(model.configuration()).toEqual({ kind: "ready", name: "openai-compatible:some:model" });
  expect(await collect(model)).toEqual([
    { kind: "text", text: "Hel" },
    { kind: "text", text: "lo, " },
    { kind: "text", text: "I am Ann." },
    { kind: "done", inputTokens: 12, outputTokens: 7 },
  ]);
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatchObject({
    path: "/v1/chat/completions",
    headers: { authorization: "Bearer sk-secret-key" },
    body: {
      model: "some:model",
      stream: true,
      temperature: 0.3,
      max_tokens: 100,
      messages: [
        { role: "system", content: "You call people." },
        { role: "user", content: "Hello?" },
      ],
    },
  });
  expect(server.requests[0]?.body).not.toHaveProperty("tools");
});

test("a token is passed on while the rest is still to come", async () => {
  const { model } = await talkTo((response) => {
    openSse(response);
    sendDelta(response, { role: "assistant", content: "Well" });
  });
  const stop = new AbortController();
  const reply = model.reply(ask(), stop.signal)[Symbol.asyncIterator]();
  expect(await reply.next()).toEqual({ done: false, value: { kind: "text", text: "Well" } });
  stop.abort();
  expect(await reply.next()).toMatchObject({ done: true });
});

test("a tool is declared, called and never executed; the reply ends there", async () => {
  const { model, server } = await talkTo((response) => {
    openSse(response);
    sendDelta(response, {
      role: "assistant",
      tool_calls: [
        { index: 0, id: "t1", type: "function", function: { name: "end_call", arguments: "" } },
      ],
    });
    for (const piece of ['{"rea', 'son":"do', 'ne"}']) {
      sendDelta(response, { tool_calls: [{ index: 0, function: { arguments: piece } }] });
    }
    sendDelta(response, {}, "tool_calls");
    endSse(response);
  });
  expect(await collect(model, ask({ tools: [endCall] }))).toEqual([
    { kind: "tool_call", name: "end_call", input: { reason: "done" } },
    { kind: "done", inputTokens: null, outputTokens: null },
  ]);
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]?.body["tools"]).toMatchObject([
    {
      type: "function",
      function: {
        name: "end_call",
        description: "Ends the call.",
        parameters: endCall.inputSchema,
      },
    },
  ]);
});

test.each<[string, Respond, boolean]>([
  [
    "a refused key",
    (response) => sendJson(response, 401, { error: { message: "bad key sk-secret-key" } }),
    false,
  ],
  ["a bad request", (response) => sendJson(response, 400, { error: { message: "no" } }), false],
  ["too many requests", (response) => sendJson(response, 429, { error: { message: "x" } }), true],
  ["an internal error", (response) => sendJson(response, 500, { error: { message: "x" } }), true],
  ["an outage page", (response) => response.writeHead(502).end("<html>"), true],
  ["a reset", (response) => response.destroy(), true],
])("%s: one failed chunk, asked once", async (_name, respond, retryable) => {
  const { model, server } = await talkTo(respond);
  const chunks = await collect(model);
  expect(chunks).toMatchObject([{ kind: "failed", retryable }]);
  expect(server.requests).toHaveLength(1);
  expect(JSON.stringify(chunks)).not.toContain("sk-secret-key");
});

test.each<[string, Respond]>([
  ["breaks", (response) => response.destroy()],
  ["just ends", (response) => response.end()],
  ["turns to garbage", (response) => response.end("data: {not json\n\n")],
  [
    "reports an error",
    (response) => {
      send(response, { error: { message: "overloaded", type: "server_error", code: 1 } });
      response.end();
    },
  ],
])("a reply that %s in the middle fails after what it said", async (_name, breakOff) => {
  const { model, server } = await talkTo((response) => {
    openSse(response);
    sendDelta(response, { role: "assistant", content: "I was " });
    setImmediate(() => breakOff(response, { path: "", headers: {}, body: {} }));
  });
  const chunks = await collect(model);
  expect(chunks[0]).toEqual({ kind: "text", text: "I was " });
  expect(chunks.slice(1)).toMatchObject([{ kind: "failed", retryable: true }]);
  expect(server.requests).toHaveLength(1);
});

test.each<[string, Respond]>([
  ["before any answer", () => undefined],
  ["after the headers", (response) => openSse(response)],
  [
    "in mid-sentence",
    (response) => {
      openSse(response);
      sendDelta(response, { role: "assistant", content: "Well" });
    },
  ],
])("a reply that stalls %s is cut by the signal, without a last word", async (_name, respond) => {
  const { model, server } = await talkTo(respond);
  const stop = new AbortController();
  const collected = collect(model, ask(), stop.signal);
  await waitFor(() => server.requests.length === 1, { describe: "the request" });
  setImmediate(() => stop.abort());
  expect((await collected).filter((chunk) => chunk.kind !== "text")).toEqual([]);
  await waitFor(() => server.abandoned() === 1, { describe: "the connection to be closed" });
});

test("a signal that is aborted already asks nobody", async () => {
  const { model, server } = await talkTo(sayHello);
  expect(await collect(model, ask(), AbortSignal.abort())).toEqual([]);
  expect(server.requests).toEqual([]);
});

test("whoever stops reading stops the reply", async () => {
  const { model, server } = await talkTo((response) => {
    openSse(response);
    sendDelta(response, { role: "assistant", content: "On and " });
  });
  for await (const chunk of model.reply(ask(), new AbortController().signal)) {
    expect(chunk.kind).toBe("text");
    break;
  }
  await waitFor(() => server.abandoned() === 1, { describe: "the connection to be closed" });
});

test("a server that is not there: failed, and worth another try", async () => {
  const { model, server } = await talkTo(sayHello);
  await server.close();
  cleanUps.pop();
  expect(await collect(model)).toMatchObject([{ kind: "failed", retryable: true }]);
});

test.each([
  ["openai", "/v1/chat/completions", "authorization", "Bearer sk-secret-key"],
  ["anthropic", "/v1/messages", "x-api-key", "sk-secret-key"],
  [
    "google",
    "/v1/models/some:model:streamGenerateContent?alt=sse",
    "x-goog-api-key",
    "sk-secret-key",
  ],
])("%s is asked with our key at our address, whatever the environment says", async (...row) => {
  const [maker, path, header, value] = row;
  for (const name of ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"]) {
    vi.stubEnv(name, "http://127.0.0.1:9/elsewhere");
  }
  for (const name of ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"]) {
    vi.stubEnv(name, "sk-of-the-environment");
  }
  const { model, server } = await talkTo((response) => sendJson(response, 500, {}), maker);
  expect(await collect(model)).toMatchObject([{ kind: "failed", retryable: true }]);
  expect(server.requests).toMatchObject([{ path, headers: { [header]: value } }]);
});

test.each([
  [null, null, null, ["CARILLON_MODEL (for example", "CARILLON_MODEL_API_KEY"]],
  ["openai:gpt-5-mini", null, null, ["CARILLON_MODEL_API_KEY"]],
  ["openai:gpt-5-mini", null, "", ["CARILLON_MODEL_API_KEY"]],
  ["anthropic:claude", null, null, ["CARILLON_MODEL_API_KEY"]],
  ["google:gemini", "http://127.0.0.1:1", null, ["CARILLON_MODEL_API_KEY"]],
  ["openai-compatible:llama", null, "k", ["CARILLON_MODEL_BASE_URL"]],
  ["gpt-5-mini", null, "k", ["openai, anthropic, google, openai-compatible"]],
  ["openai:", null, "k", ["MAKER:NAME"]],
  ["toString:x", null, "k", ["MAKER:NAME"]],
])("model %s, address %s, key %s: says what to set", async (name, baseUrl, apiKey, words) => {
  vi.stubEnv("OPENAI_API_KEY", "sk-of-the-environment");
  const model = createModel({ model: name, baseUrl, apiKey });
  const configuration = model.configuration();
  if (configuration.kind !== "missing") throw new Error("expected it to be missing");
  for (const word of words) expect(configuration.instruction).toContain(word);
  expect(await collect(model)).toEqual([
    { kind: "failed", retryable: false, message: configuration.instruction },
  ]);
});

test("a model on the operator's own machine needs no key", () => {
  const options = { model: "openai-compatible:llama", baseUrl: "http://127.0.0.1:1", apiKey: null };
  expect(createModel(options).configuration()).toMatchObject({ kind: "ready" });
});
