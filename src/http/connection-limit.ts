// A bound on open connections that a flood cannot turn against the carrier: when it is reached, the
// connection that has kept us waiting longest gives way to the new one. Nobody who has sent a whole
// request, and waits for us, is cut for somebody who has not. Voice sockets are bounded elsewhere.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Of one process. A thousand voice sockets, their callbacks and as many clients fit; file handles
 * (1,024 in small containers, the database's included) are the next bound.
 */
export const MAX_CONNECTIONS = 800;

/** Bounds a server that is not listening yet. */
export function limitConnections(server: Server, maxConnections: number): void {
  const open = new Set<Socket>();
  // Those that owe us the rest of a request, or another one; in order of waiting.
  const owing = new Set<Socket>();

  server.on("connection", (socket: Socket) => {
    open.add(socket);
    owing.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      owing.delete(socket);
    });
    if (open.size <= maxConnections) return;
    const [longest = socket] = owing;
    longest.destroy();
    open.delete(longest);
    owing.delete(longest);
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const arrived = (): void => void owing.delete(socket);
    if (hasNoBody(request)) arrived();
    else request.once("end", arrived);
    response.once("close", () => {
      if (!open.has(socket)) return;
      owing.delete(socket);
      owing.add(socket);
    });
  });
  server.on("upgrade", ({ socket }: IncomingMessage) => {
    open.delete(socket);
    owing.delete(socket);
  });
}

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] === undefined && !(Number(headers["content-length"]) > 0);
}
