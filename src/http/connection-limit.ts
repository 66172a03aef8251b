// A bound on open connections that a flood cannot turn against the carrier: when it is reached, the
// connection that has kept us waiting longest gives way to the new one: for a request, for the rest
// of one, or for reading its answer. Nobody who has sent a whole request, and waits for us, is cut
// for somebody who has not. Voice sockets are bounded elsewhere.

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
  // Those that we wait for, in order of waiting.
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
    const arrived = (): void => {
      // Who asks again without having read the last answer still owes us that.
      if (socket.writableLength === 0) owing.delete(socket);
    };
    const answered = (): void => {
      if (!open.has(socket)) return;
      owing.delete(socket);
      owing.add(socket);
    };
    if (hasNoBody(request)) arrived();
    else request.once("end", arrived);
    // All of it was said, and then all of it was taken.
    response.once("prefinish", answered);
    response.once("close", answered);
  });
  server.on("upgrade", ({ socket }: IncomingMessage) => {
    open.delete(socket);
    owing.delete(socket);
  });
}

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] === undefined && !(Number(headers["content-length"]) > 0);
}
