// A user's endpoint: keeps what it was told and answers as a test says.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  // Tests read payloads as a receiver would: by name.
  readonly payload: any;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  /** Statuses of the next answers, or bodies with 200; 200 when there are none left. */
  answer(...answers: readonly (number | string)[]): void;
  /** From now on nobody gets an answer; those who wait get one when it is let go. */
  hold(): void;
  letGo(): void;
}

export async function webhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const answers: (number | string)[] = [];
  const held: ServerResponse[] = [];
  let isHolding = false;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const { url: path = "", headers } = request;
      received.push({ path, headers, body, payload: JSON.parse(body) });
      if (isHolding) held.push(response);
      else answerWith(response, answers.shift() ?? 200);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: (...more) => {
      answers.push(...more);
    },
    hold: () => {
      isHolding = true;
    },
    letGo: () => {
      isHolding = false;
      for (const response of held.splice(0)) response.writeHead(200).end();
    },
  };
}

function answerWith(response: ServerResponse, answer: number | string): void {
  if (typeof answer === "number") response.writeHead(answer).end("noted");
  else response.writeHead(200).end(answer);
}
