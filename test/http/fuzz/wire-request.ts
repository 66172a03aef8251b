// One request over a real socket, sent as it is: any content type or none, chunked, compressed or
// cut. Nothing is mended on the way.

import { request as httpRequest, Agent, type OutgoingHttpHeaders } from "node:http";

export interface WireRequest {
  readonly method: string;
  /** With its query, escaped. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | null;
  /** Chunked instead of a Content-Length. */
  readonly isChunked: boolean;
}

export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Requests of one test file share its few connections, as a client's do. */
export function wireClient(port: number): {
  send(request: WireRequest): Promise<WireAnswer>;
  close(): void;
} {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const sent = httpRequest(
          {
            agent,
            host: "127.0.0.1",
            port,
            method: request.method,
            path: request.path,
            headers: {
              ...request.headers,
              ...framingOf(request),
            },
          },
          (answer) => {
            const parts: Buffer[] = [];
            answer.on("data", (part: Buffer) => parts.push(part));
            answer.on("error", reject);
            answer.on("end", () => {
              resolve({
                status: answer.statusCode ?? 0,
                contentType: answer.headers["content-type"] ?? "",
                headers: answer.headers,
                text: Buffer.concat(parts).toString("utf8"),
              });
            });
          },
        );
        sent.on("error", reject);
        if (request.isChunked && request.body !== null) {
          const middle = Math.floor(request.body.length / 2);
          sent.write(request.body.subarray(0, middle));
          sent.end(request.body.subarray(middle));
        } else {
          sent.end(request.body ?? undefined);
        }
      }),
    close: () => agent.destroy(),
  };
}

function framingOf({ body, isChunked }: WireRequest): OutgoingHttpHeaders {
  if (body === null) return {};
  return isChunked ? { "transfer-encoding": "chunked" } : { "content-length": body.length };
}
