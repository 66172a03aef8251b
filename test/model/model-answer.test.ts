// One whole answer that should fit a schema, against a real server.

import { afterEach, expect, test } from "vitest";
import { createModel } from "../../src/model/ai-model.ts";
import type { ModelAnswer, ModelQuestion } from "../../src/ports/model.ts";
import { startSseServer, type Respond, type SseServer } from "./sse-server.ts";

const servers: SseServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const QUESTION: ModelQuestion = {
  messages: [
    { role: "system", content: "Report." },
    { role: "user", content: "The talk." },
  ],
  answerSchema: {
    type: "object",
    properties: { summary: { type: "string" } },
    required: ["summary"],
    additionalProperties: false,
  },
  maxOutputTokens: 100,
};

async function ask(
  respond: Respond,
  signal = new AbortController().signal,
): Promise<{ readonly answer: ModelAnswer; readonly server: SseServer }> {
  const server = await startSseServer(respond);
  servers.push(server);
  const model = createModel({
    model: "openai-compatible:some:model",
    baseUrl: server.url,
    apiKey: "sk-secret-key",
  });
  return { answer: await model.answer(QUESTION, signal), server };
}

const replying =
  (content: string): Respond =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(
      JSON.stringify({
        id: "x",
        object: "chat.completion",
        created: 0,
        model: "m",
        choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
      }),
    );
  };

test("asks once, with the schema, and gives the text as it came", async () => {
  const { answer, server } = await ask(replying('{"summary":"Fine."}'));
  expect(answer).toEqual({ kind: "answered", text: '{"summary":"Fine."}' });
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]?.body["response_format"]).toMatchObject({
    type: "json_schema",
    json_schema: { schema: QUESTION.answerSchema },
  });
});

test.each(["Fine.", "", '{"summary":'])("gives back %j, whoever asked reads it", async (text) => {
  const { answer } = await ask(replying(text));
  expect(answer).toEqual({ kind: "answered", text });
});

test.each([
  [503, true],
  [401, false],
])("a %i has failed, retryable: %s, and is not repeated", async (status, retryable) => {
  const { answer, server } = await ask((response) => {
    response.writeHead(status, { "content-type": "application/json" }).end('{"error":{}}');
  });
  expect(answer).toMatchObject({ kind: "failed", retryable });
  expect(server.requests).toHaveLength(1);
});

test("an aborted question has failed", async () => {
  const { answer } = await ask(() => {}, AbortSignal.timeout(50));
  expect(answer).toMatchObject({ kind: "failed" });
});
