// Opens a ConversationRelay session over a real WebSocket, signed as the carrier signs the upgrade,
// and follows it to its end. Never throws: not being able to connect is an outcome (64102).

import { WebSocket } from "ws";
import type { RawData } from "ws";
import { MAX_RELAY_FRAME_CHARACTERS } from "../../carrier/twilio/relay-frames.ts";
import { signRequest } from "../webhooks/signature.ts";
import { RelaySession } from "./relay-session.ts";
import type { RelayOutcome, RelayPeer, RelaySessionParts } from "./relay-session.ts";
import { withTrouble } from "./relay-trouble.ts";
import type { RelayTrouble } from "./relay-trouble.ts";

export interface RelayConnection {
  readonly authToken: string;
  readonly session: Omit<RelaySessionParts, "peer" | "ended">;
  /** What goes wrong on this socket. */
  readonly trouble: RelayTrouble;
  /** Aborted when the call ends or goes on with another script. */
  readonly signal: AbortSignal;
  /** Open sockets of the run, so that closing the simulator can end them all. */
  readonly sockets: Set<WebSocket>;
  /** Gets the session while it is open, and null when it is over. */
  readonly attach: (session: RelaySession | null) => void;
}

const HANDSHAKE_TIMEOUT_MS = 5_000;

/** Resolves with how the session ended. */
export function connectRelay(connection: RelayConnection): Promise<RelayOutcome> {
  const { promise, resolve } = Promise.withResolvers<RelayOutcome>();
  const { settings, pace } = connection.session;
  const socket = new WebSocket(settings.url, {
    headers: {
      "x-twilio-signature": signRequest(connection.authToken, settings.url, null),
      "user-agent": "Jetty/11.0.24",
    },
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxPayload: MAX_RELAY_FRAME_CHARACTERS * 4,
    perMessageDeflate: false,
  });
  connection.sockets.add(socket);
  const { trouble } = connection;
  const line = withTrouble(
    (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    trouble,
    pace,
  );
  const peer: RelayPeer = {
    send: (text) => line.send(text),
    close: (code, reason) => socket.close(code, reason),
  };
  const stop = () => session.stop();
  const ended = (outcome: RelayOutcome) => {
    connection.signal.removeEventListener("abort", stop);
    connection.attach(null);
    resolve(outcome);
  };
  const session = new RelaySession({ ...connection.session, peer, ended });

  let wasOpen = false;
  socket.on("open", () => {
    wasOpen = true;
    connection.attach(session);
    session.start();
    line.opened();
    if (trouble.dropAfterMs !== null) pace.after(trouble.dropAfterMs, () => socket.terminate());
    if (trouble.close !== null) {
      const { afterMs, code } = trouble.close;
      pace.after(afterMs, () => socket.close(code, "failed on purpose"));
    }
  });
  socket.on("message", (data, isBinary) => {
    session.receive(isBinary ? "" : textOf(data));
  });
  socket.on("close", () => {
    connection.sockets.delete(socket);
    if (wasOpen) session.peerClosed();
    else ended(cannotConnect("closed before it was open"));
  });
  // `close` follows every error.
  socket.on("error", () => undefined);
  if (connection.signal.aborted) stop();
  else connection.signal.addEventListener("abort", stop);
  return promise;
}

function cannotConnect(message: string): RelayOutcome {
  return { status: "failed", errorCode: 64102, errorMessage: `Cannot connect: ${message}` };
}

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString("utf8");
  return Array.isArray(data)
    ? Buffer.concat(data).toString("utf8")
    : Buffer.from(data).toString("utf8");
}
