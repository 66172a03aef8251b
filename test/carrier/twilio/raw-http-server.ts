// A TCP server that keeps every byte it was sent and answers as a test tells it, well-formed or
// not.

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface SeenRequest {
  /** Which connection it came over, from 0. */
  readonly connection: number;
  /** First line, headers and body as they came. */
  readonly text: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly receivedAtMs: number;
}

export type Behaviour = (request: SeenRequest, socket: Socket) => void;

export interface RawServer {
  readonly origin: string;
  readonly port: number;
  /** Whole requests, in order of arrival. */
  readonly requests: SeenRequest[];
  /** All bytes of each connection, whether or not they made a request. */
  readonly bytesByConnection: string[];
  openConnections(): number;
  maxOpenConnections(): number;
  close(): Promise<void>;
}

/** Answers with a status and a JSON body over a connection that stays open. */
export function answer(socket: Socket, status: number, body: unknown, headers = ""): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  socket.write(
    `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\n${headers}` +
      `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

export async function startRawServer(behave: Behaviour): Promise<RawServer> {
  const requests: SeenRequest[] = [];
  const bytesByConnection: string[] = [];
  const sockets = new Set<Socket>();
  let mostOpen = 0;
  const server = createServer((socket) => {
    const connection = bytesByConnection.push("") - 1;
    sockets.add(socket);
    mostOpen = Math.max(mostOpen, sockets.size);
    let pending = "";
    socket.on("error", () => sockets.delete(socket));
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      bytesByConnection[connection] += text;
      pending += text;
      for (let next = takeRequest(pending); next !== null; next = takeRequest(pending)) {
        pending = pending.slice(next.length);
        const request = readRequest(next, connection);
        requests.push(request);
        behave(request, socket);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    bytesByConnection,
    openConnections: () => sockets.size,
    maxOpenConnections: () => mostOpen,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

// The first whole request of the text, or null.
function takeRequest(text: string): string | null {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return null;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return text.length < end ? null : text.slice(0, end);
}

function readRequest(text: string, connection: number): SeenRequest {
  const [method, path] = text.slice(0, text.indexOf("\r\n")).split(" ");
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  return {
    connection,
    text,
    method: method ?? "",
    path: path ?? "",
    body: Buffer.from(body, "latin1").toString("utf8"),
    receivedAtMs: performance.now(),
  };
}
