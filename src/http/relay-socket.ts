// The carrier's voice sockets: refused without asking the database when they cannot be ours,
// verified by signature before the upgrade, and closed when they do not say at once which call they
// are, say nonsense, flood us, or are only half alive.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyBaseLogger } from "fastify";
import { WebSocketServer } from "ws";

import {
  addressOfPath,
  parseDialReference,
  type DialReference,
} from "../carrier/twilio/callback-addresses.ts";
import { MAX_RELAY_FRAME_CHARACTERS } from "../carrier/twilio/relay-frames.ts";
import { isSignatureShaped, isSignedBy } from "../carrier/twilio/signature.ts";
import type { CallbackTokens } from "./carrier-webhooks.ts";
import { RelayConversation } from "./relay-conversation.ts";
import type { ScreenSignature } from "./signature-screen.ts";
import type { VoiceSessions } from "./voice-sessions.ts";

const RELAY_PATH = /^\/twilio\/relay\/([^/?]+)\/([^/?]+)$/;

export interface RelaySocketOptions {
  readonly publicUrl: string;
  readonly sessions: VoiceSessions;
  readonly log: FastifyBaseLogger;
  /** Whether any account of this installation signed it. */
  readonly screen: ScreenSignature;
  /** null: no such call. */
  tokensOfCall(callId: string): Promise<CallbackTokens | null>;
}

/**
 * Takes the server's upgrade requests. Answers a function that gives them back and closes every
 * socket.
 */
export function attachRelaySockets(server: Server, options: RelaySocketOptions): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_RELAY_FRAME_CHARACTERS,
    perMessageDeflate: false,
  });
  // Sockets that were let in count before their conversation does, so that a burst cannot pass the
  // limit; those that are being checked do not, so that forged ones cannot fill it.
  let admitted = 0;
  const hasRoom = (): boolean =>
    options.sessions.hasRoom() && admitted < options.sessions.maxSessions;
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => {
      socket.destroy();
    });
    const dial = dialOf(request);
    if (dial === null) return refuse(socket, 404);
    if (!hasRoom()) return refuse(socket, 503);
    refusalOf(request, dial, options).then(
      (status) => {
        if (socket.destroyed) return;
        if (status !== null) return refuse(socket, status);
        if (!hasRoom()) return refuse(socket, 503);
        admitted += 1;
        socket.once("close", () => {
          admitted -= 1;
        });
        sockets.handleUpgrade(request, socket, head, (webSocket) => {
          // It lives as long as the socket, whose events it listens to.
          return new RelayConversation(webSocket, dial, options);
        });
      },
      (error: unknown) => {
        options.log.error({ ...dial, err: error }, "a voice socket could not be checked");
        refuse(socket, 503);
      },
    );
  };
  server.on("upgrade", onUpgrade);
  return () => {
    server.off("upgrade", onUpgrade);
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  };
}

function dialOf(request: IncomingMessage): DialReference | null {
  const match = RELAY_PATH.exec(request.url ?? "");
  return match === null ? null : parseDialReference(match[1] ?? "", match[2] ?? "");
}

/** The HTTP status to refuse a socket with; null: it is the carrier's. */
async function refusalOf(
  request: IncomingMessage,
  dial: DialReference,
  options: RelaySocketOptions,
): Promise<number | null> {
  const header = request.headers["x-twilio-signature"];
  const signed = {
    address: addressOfPath(options.publicUrl, "socket", request.url ?? ""),
    signature: Array.isArray(header) ? header[0] : header,
    parameters: {},
  };
  const isOurs = isSignatureShaped(signed.signature) && (await options.screen(signed));
  const account = isOurs ? await options.tokensOfCall(dial.callId) : null;
  if (isOurs && account === null) return 404;
  if (account !== null && isSignedBy(signed, account.tokens)) return null;
  options.log.warn({ callId: dial.callId }, "a voice socket was refused: its signature is wrong");
  return 403;
}

const REASONS: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
};

// Nobody else closes it: the other side may leave its half open for ever.
function refuse(socket: Duplex, status: number): void {
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}
