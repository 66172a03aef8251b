// The carrier's voice sockets: refused cheaply when they cannot be ours, verified by signature before the upgrade, and
// closed when they do not say at once which call they are.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyBaseLogger } from "fastify";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import {
  addressOfPath,
  parseDialReference,
  type DialReference,
} from "../carrier/twilio/callback-addresses.ts";
import { MAX_RELAY_FRAME_CHARACTERS, parseRelayFrame } from "../carrier/twilio/relay-frames.ts";
import { isSignedBy } from "../carrier/twilio/signature.ts";
import type { CallbackTokens } from "./carrier-webhooks.ts";
import type { VoiceSession } from "./voice-session.ts";
import type { VoiceSessions } from "./voice-sessions.ts";

/** The carrier sends `setup` with the handshake; a socket that waits is somebody else's. */
const SETUP_TIMEOUT_MS = 10_000;
const RELAY_PATH = /^\/twilio\/relay\/([^/?]+)\/([^/?]+)$/;

export interface RelaySocketOptions {
  readonly publicUrl: string;
  readonly sessions: VoiceSessions;
  readonly log: FastifyBaseLogger;
  /** null: no such call. */
  tokensOfCall(callId: string): Promise<CallbackTokens | null>;
}

/** Takes the server's upgrade requests. Answers a function that gives them back and closes every socket. */
export function attachRelaySockets(server: Server, options: RelaySocketOptions): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_RELAY_FRAME_CHARACTERS,
    perMessageDeflate: false,
  });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => {
      socket.destroy();
    });
    admit(request, options).then(
      (admission) => {
        if (typeof admission === "number") return refuse(socket, admission);
        sockets.handleUpgrade(request, socket, head, (webSocket) => {
          converse(webSocket, admission, options);
        });
      },
      (error: unknown) => {
        options.log.error({ err: error }, "a voice socket could not be checked");
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

/** The dial a socket is for, or the HTTP status to refuse it with. */
async function admit(
  request: IncomingMessage,
  options: RelaySocketOptions,
): Promise<DialReference | number> {
  const match = RELAY_PATH.exec(request.url ?? "");
  const dial = match === null ? null : parseDialReference(match[1] ?? "", match[2] ?? "");
  if (dial === null) return 404;
  if (options.sessions.count() >= options.sessions.maxSessions) return 503;
  const account = await options.tokensOfCall(dial.callId);
  if (account === null) return 404;
  const header = request.headers["x-twilio-signature"];
  const isSigned = isSignedBy(
    {
      address: addressOfPath(options.publicUrl, "socket", request.url ?? ""),
      signature: Array.isArray(header) ? header[0] : header,
      parameters: {},
    },
    account.tokens,
  );
  if (isSigned) return dial;
  options.log.warn({ callId: dial.callId }, "a voice socket was refused: its signature is wrong");
  return 403;
}

const REASONS: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
};

function refuse(socket: Duplex, status: number): void {
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}

function converse(socket: WebSocket, dial: DialReference, options: RelaySocketOptions): void {
  let session: VoiceSession | "opening" | null = null;
  let isClosed = false;
  const setupTimer = setTimeout(() => socket.close(1008, "no setup"), SETUP_TIMEOUT_MS);
  const side = {
    send: (text: string) => {
      if (socket.readyState === socket.OPEN) socket.send(text);
    },
    close: (code: number, reason: string) => socket.close(code, reason),
  };

  async function begin(text: string): Promise<void> {
    const parsed = parseRelayFrame(text);
    if (parsed.kind !== "frame" || parsed.frame.type !== "setup")
      return socket.close(1008, "setup must come first");
    session = "opening";
    clearTimeout(setupTimer);
    const opened = await options.sessions.open(dial.callId, dial.dialNumber, parsed.frame, side);
    if (typeof opened === "string") {
      options.log.warn({ ...dial, reason: opened }, "a voice socket was closed");
      return socket.close(1008, opened);
    }
    session = opened;
    if (isClosed) opened.closed("lost");
    else opened.connected();
  }

  socket.on("message", (data, isBinary) => {
    const text = isBinary ? "" : textOf(data);
    if (session === null) {
      begin(text).catch((error: unknown) => {
        options.log.error({ ...dial, err: error }, "a conversation could not be opened");
        socket.close(1011, "try again");
      });
      return;
    }
    // Nothing is said before the setup is understood: the carrier has just connected.
    if (session === "opening") return;
    const parsed = parseRelayFrame(text);
    if (parsed.kind === "frame") session.frame(parsed.frame);
  });
  socket.on("error", (error) => {
    options.log.warn({ ...dial, err: error }, "a voice socket failed");
  });
  socket.on("close", (code) => {
    isClosed = true;
    clearTimeout(setupTimer);
    if (session !== null && session !== "opening")
      session.closed(code === 1000 ? "hung_up" : "lost");
  });
}

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString("utf8");
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)).toString("utf8");
}
