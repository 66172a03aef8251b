// One voice socket after its upgrade: `setup` first and in time, then frames into the conversation
// and its words back. A socket that floods, talks nonsense or stops answering is closed; whatever
// happens, the conversation hears the end.

import type { FastifyBaseLogger } from "fastify";
import type { RawData, WebSocket } from "ws";

import type { DialReference } from "../carrier/twilio/callback-addresses.ts";
import { parseRelayFrame, type RelayFrame } from "../carrier/twilio/relay-frames.ts";
import { voiceEventOf } from "./relay-translation.ts";
import type { SocketSide, VoiceSession } from "./voice-session.ts";
import type { VoiceSessions } from "./voice-sessions.ts";

/** The carrier sends `setup` with the handshake; a socket that waits is somebody else's. */
const SETUP_TIMEOUT_MS = 10_000;
/** What a person can say while their conversation is loaded is far less. */
const MAX_WAITING_FRAMES = 100;
/**
 * In one second. Speech comes in parts, ten a second at most; what a line that stalled until just
 * before we would have given it up says at once is fewer.
 */
export const MAX_FRAMES_PER_SECOND = 500;
/** As the carrier does with us (twilio.md §5.3). */
const MAX_MALFORMED_IN_A_ROW = 10;
/** A socket that answers no ping is dead although nobody closed it: two in vain end it. */
const PING_EVERY_MS = 15_000;
/** More than a minute of text that the other side does not take: it is not listening. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** A close that the other side does not answer is not waited for longer. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Statuses of RFC 6455: policy, and trouble of our own. */
const REFUSED = 1008;
const TROUBLE = 1011;

export interface RelayConversationOptions {
  readonly sessions: VoiceSessions;
  readonly log: FastifyBaseLogger;
}

/** Holds the conversation that the socket's `setup` names, until the socket is closed. */
export class RelayConversation implements SocketSide {
  readonly #socket: WebSocket;
  readonly #dial: DialReference;
  readonly #sessions: VoiceSessions;
  readonly #log: FastifyBaseLogger;
  readonly #setupTimer: NodeJS.Timeout;
  readonly #waiting: RelayFrame[] = [];
  #stage: "waiting" | "opening" | "open" | "closed" = "waiting";
  #session: VoiceSession | null = null;
  #malformedInARow = 0;
  #secondBegan = 0;
  #framesInSecond = 0;
  #ending: "hung_up" | "lost" = "lost";

  constructor(socket: WebSocket, dial: DialReference, options: RelayConversationOptions) {
    this.#socket = socket;
    this.#dial = dial;
    this.#sessions = options.sessions;
    this.#log = options.log.child({ ...dial });
    this.#setupTimer = setTimeout(() => this.close(REFUSED, "no setup"), SETUP_TIMEOUT_MS);
    const stopPinging = keepAlive(socket, this.#log);
    socket.on("message", (data, isBinary) => this.#receive(isBinary ? "" : textOf(data)));
    // `close` follows every error.
    socket.on("error", (error) => this.#log.warn({ err: error }, "a voice socket failed"));
    socket.on("close", (code) => {
      stopPinging();
      this.#closed(code);
    });
  }

  send(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) return this.#socket.terminate();
    this.#socket.send(text);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS).unref();
  }

  #receive(text: string): void {
    if (this.#stage === "closed") return;
    if (this.#floods()) {
      this.#log.warn("a voice socket was closed: it floods");
      return this.#socket.terminate();
    }
    const parsed = parseRelayFrame(text);
    if (parsed.kind !== "invalid") {
      this.#malformedInARow = 0;
      if (parsed.kind === "frame") this.#take(parsed.frame);
      return;
    }
    this.#malformedInARow += 1;
    this.#log.warn({ reason: parsed.reason }, "a malformed frame was dropped");
    if (this.#malformedInARow >= MAX_MALFORMED_IN_A_ROW) {
      this.close(REFUSED, "too many malformed frames");
    }
  }

  #floods(): boolean {
    const now = performance.now();
    if (now - this.#secondBegan >= 1_000) {
      this.#secondBegan = now;
      this.#framesInSecond = 0;
    }
    this.#framesInSecond += 1;
    return this.#framesInSecond > MAX_FRAMES_PER_SECOND;
  }

  #take(frame: RelayFrame): void {
    if (this.#stage === "waiting") return this.#begin(frame);
    if (this.#stage === "opening") {
      if (this.#waiting.length >= MAX_WAITING_FRAMES) return this.close(REFUSED, "too many frames");
      this.#waiting.push(frame);
      return;
    }
    if (frame.type === "error") {
      this.#log.warn({ pii: { description: frame.description } }, "the carrier reports an error");
    }
    const event = voiceEventOf(frame);
    if (event !== null) this.#session?.happen(event);
  }

  #begin(setup: RelayFrame): void {
    if (setup.type !== "setup") return this.close(REFUSED, "setup must come first");
    clearTimeout(this.#setupTimer);
    this.#stage = "opening";
    this.#sessions.open({ ...this.#dial, setup }, this).then(
      (opened) => {
        if (opened.kind === "opened") return this.#opened(opened.session);
        this.#log.warn({ reason: opened.reason }, "a voice socket was closed");
        this.close(REFUSED, opened.reason);
      },
      (error: unknown) => {
        this.#log.error({ err: error }, "a conversation could not be opened");
        this.close(TROUBLE, "try again");
      },
    );
  }

  #opened(session: VoiceSession): void {
    this.#session = session;
    // The person hung up while their conversation was loaded.
    if (this.#stage === "closed") return session.happen({ kind: "closed", how: this.#ending });
    this.#stage = "open";
    for (const frame of this.#waiting.splice(0)) this.#take(frame);
  }

  #closed(code: number): void {
    this.#stage = "closed";
    clearTimeout(this.#setupTimer);
    this.#ending = code === 1000 ? "hung_up" : "lost";
    this.#session?.happen({ kind: "closed", how: this.#ending });
  }
}

function keepAlive(socket: WebSocket, log: FastifyBaseLogger): () => void {
  let unanswered = 0;
  const heard = (): void => {
    unanswered = 0;
  };
  socket.on("pong", heard);
  socket.on("message", heard);
  const timer = setInterval(() => {
    if (unanswered >= 2) {
      log.warn("a voice socket answers no more");
      return socket.terminate();
    }
    unanswered += 1;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, PING_EVERY_MS);
  return () => clearInterval(timer);
}

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString("utf8");
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)).toString("utf8");
}
