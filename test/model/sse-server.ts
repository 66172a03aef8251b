// A real HTTP server that speaks the OpenAI-compatible streaming wire as a test tells it.

import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenModelRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface SseServer {
  readonly url: string;
  readonly requests: SeenModelRequest[];
  /** Answers that the client closed before they ended. */
  readonly abandoned: () => number;
  close(): Promise<void>;
}

export type Respond = (response: ServerResponse, request: SeenModelRequest) => void;

export async function startSseServer(respond: Respond): Promise<SseServer> {
  const requests: SeenModelRequest[] = [];
  let abandoned = 0;
  const server = createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableEnded) abandoned += 1;
    });
    readBody(request, (body) => {
      const seen = { path: request.url ?? "", headers: request.headers, body };
      requests.push(seen);
      respond(response, seen);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    abandoned: () => abandoned,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function readBody(
  request: IncomingMessage,
  done: (body: Readonly<Record<string, unknown>>) => void,
): void {
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => (text += chunk));
  request.on("end", () => done(JSON.parse(text) as Readonly<Record<string, unknown>>));
}

export function openSse(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
}

/** One chunk of a chat completion. */
export function sendDelta(response: ServerResponse, delta: unknown, finishReason?: string): void {
  send(response, {
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: finishReason ?? null }],
  });
}

export function sendUsage(response: ServerResponse, input: number, output: number): void {
  send(response, {
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  });
}

export function send(response: ServerResponse, event: unknown): void {
  response.write(`data: ${JSON.stringify(event)}\n\n`);
}

export function endSse(response: ServerResponse): void {
  response.end("data: [DONE]\n\n");
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
