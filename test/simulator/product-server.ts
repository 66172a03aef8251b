// Plays the product towards the simulator: takes its callbacks and its conversations' sockets, and
// remembers all of it.

import fastify from "fastify";
import type { FastifyReply } from "fastify";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { waitFor } from "../support/wait-for.ts";

export interface Received {
  /** Address as the simulator asked for it. */
  readonly url: string;
  readonly path: string;
  readonly method: string;
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export type Frame = Readonly<Record<string, unknown>>;

/** One conversation's socket, from the product's side. */
export interface Talk {
  readonly upgrade: IncomingMessage;
  readonly frames: Frame[];
  /** Code and reason, once the socket is closed. */
  closed: { readonly code: number; readonly reason: string } | null;
  send(frame: object | string): void;
  terminate(): void;
  /** Waits for the first frame after `from` that fits. */
  frame(fits: (frame: Frame) => boolean, from?: number): Promise<Frame>;
}

export interface ProductServer {
  readonly url: string;
  readonly socketUrl: string;
  readonly received: Received[];
  readonly talks: Talk[];
  /** Waits for the first request that fits. */
  request(fits: (received: Received) => boolean): Promise<Received>;
  talk(): Promise<Talk>;
  close(): Promise<void>;
}

/** `answer` may answer a request itself; by default every callback gets 204. */
export async function startProductServer(
  answer: (received: Received, reply: FastifyReply) => unknown = () => undefined,
  onTalk: (talk: Talk) => void = () => undefined,
): Promise<ProductServer> {
  const received: Received[] = [];
  const talks: Talk[] = [];
  const app = fastify({ forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.all("/*", async (request, reply) => {
    const entry: Received = {
      url: `http://${request.headers.host}${request.raw.url}`,
      path: (request.raw.url ?? "").split("?")[0] ?? "",
      method: request.method,
      form: Object.fromEntries(
        new URLSearchParams(typeof request.body === "string" ? request.body : ""),
      ),
      headers: request.headers,
    };
    received.push(entry);
    const own: unknown = await answer(entry, reply);
    if (own !== undefined) return own;
    return reply.code(204).send();
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const sockets = new WebSocketServer({ server: app.server });
  sockets.on("connection", (socket, upgrade) => {
    const talk = followTalk(socket, upgrade);
    talks.push(talk);
    onTalk(talk);
  });
  return {
    url,
    socketUrl: url.replace("http", "ws"),
    received,
    talks,
    request: (fits) =>
      waitFor(() => received.find(fits), {
        describe: () => `a request; there were ${received.map((each) => each.path).join(" ")}`,
      }),
    talk: () => waitFor(() => talks[0], { describe: "a conversation's socket" }),
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await once(sockets, "close");
      await app.close();
    },
  };
}

function followTalk(socket: WebSocket, upgrade: IncomingMessage): Talk {
  const frames: Frame[] = [];
  const talk: Talk = {
    upgrade,
    frames,
    closed: null,
    send: (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    terminate: () => socket.terminate(),
    frame: (fits, from = 0) =>
      waitFor(() => frames.slice(from).find(fits), {
        describe: () => `a frame; there were ${JSON.stringify(frames.slice(from))}`,
      }),
  };
  socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString("utf8")) as Frame));
  socket.on("close", (code, reason) => {
    talk.closed = { code, reason: reason.toString("utf8") };
  });
  return talk;
}
