// Which of two models is asked.

import { expect, test } from "vitest";
import { withFallback } from "../../src/model/fallback-model.ts";
import type { ModelRequest } from "../../src/ports/model.ts";
import { scriptedModel } from "../support/scripted-model.ts";

const request: ModelRequest = { messages: [], tools: [], temperature: 0, maxOutputTokens: 10 };

async function ask(model: ReturnType<typeof withFallback>, isRetry: boolean): Promise<void> {
  const asked = isRetry ? { ...request, isRetry: true as const } : request;
  for await (const chunk of model.reply(asked, new AbortController().signal)) {
    expect(chunk.kind).not.toBe("failed");
  }
}

test("the second model answers retries, and only those", async () => {
  const first = scriptedModel();
  const second = scriptedModel();
  const model = withFallback(first, second);
  await ask(model, false);
  await ask(model, true);
  expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
});

test("what is final for the first model is worth a try of the second", async () => {
  const first = scriptedModel();
  first.script([{ fail: "HTTP 401: no such key", retryable: false }]);
  const chunks = [];
  const model = withFallback(first, scriptedModel());
  for await (const chunk of model.reply(request, new AbortController().signal)) chunks.push(chunk);
  expect(chunks).toMatchObject([{ kind: "failed", retryable: true }]);
});

test("without a second model the first is asked again", async () => {
  const first = scriptedModel();
  await ask(withFallback(first, null), true);
  const missing = { ...scriptedModel(), configuration: () => NOT_SET };
  await ask(withFallback(first, missing), true);
  expect(first.requests).toHaveLength(2);
});

const NOT_SET = { kind: "missing", instruction: "Set it." } as const;
