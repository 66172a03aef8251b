// One HTTP request to the carrier over a bounded pool of connections, with the one question that
// matters for placing calls answered truthfully: can any byte of it have been written?
// `RequestUnsentError`: certainly none. `AnswerLostError`: perhaps. It never sends a request twice
// and never retries.
//
// The moment of truth is undici's onRequestStart. For HTTP/1.1 it runs after all queueing (pool,
// connection, TLS), in the same turn of the event loop in which the bytes are written and directly
// before them; throwing there drops the request and leaves the connection usable (undici 8.12,
// lib/dispatcher/client-h1.js, writeH1). HTTP/2 is switched off so that this is the only way a
// request takes. The tests hold this against a raw server.

import { Agent, type Dispatcher } from "undici";

/**
 * Connections to one origin. At 300 ms a request they carry about 160 requests a second, far above
 * what an account may start; fewer keep us far from Twilio's unpublished limit of concurrent
 * requests (429).
 */
const MAX_CONNECTIONS = 50;
/**
 * Requests waiting for a connection or an answer. More is a runaway of ours: refused unsent rather
 * than kept in memory.
 */
const MAX_REQUESTS_IN_HAND = 2_000;
/**
 * TCP and TLS. A healthy handshake across an ocean takes under 1 s; a claimed call's lease has no
 * time for more.
 */
const CONNECT_TIMEOUT_MS = 5_000;
/** Between two chunks of an answer that has begun. */
const BODY_TIMEOUT_MS = 10_000;
/** How long a request without a window may wait for a connection. */
const MAX_WAIT_FOR_CONNECTION_MS = 10_000;
/**
 * An idle connection is closed by us after this long, whatever the carrier offers: one that it
 * closes just as we write costs an unknown outcome, a new handshake costs 100 ms.
 */
const KEEP_ALIVE_MS = 4_000;
/** A page of 1,000 calls is under 2 MB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface HttpRequest {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** From the first byte written to the last byte read. */
  readonly answerTimeoutMs: number;
}

/** When the first byte may be written, on this process's monotonic clock; both ends included. */
export interface WriteWindow {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /**
   * Whether the monotonic clock still says how late it is. It stands still while a machine sleeps:
   * a request that was about to be written would go out hours later, inside its window.
   */
  readonly isClockSteady: () => boolean;
  /** Told when the first byte is about to go out, on the same clock. */
  readonly onWritten?: (atMs: number) => void;
}

export interface HttpAnswer {
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** No byte of the request was written, and none will be. */
export class RequestUnsentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RequestUnsentError";
  }
}

/**
 * The request, or a part of it, was written, and no whole answer came back: nobody here knows what
 * became of it.
 */
export class AnswerLostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AnswerLostError";
  }
}

export interface HttpExchange {
  /** @throws RequestUnsentError, AnswerLostError and nothing else. Any HTTP status is an answer. */
  send(request: HttpRequest, window: WriteWindow | null): Promise<HttpAnswer>;
  /** Waits for what is in hand, then closes the connections. */
  close(): Promise<void>;
}

export interface HttpExchangeOptions {
  readonly monotonicMs: () => number;
  /** Default 50 (see MAX_CONNECTIONS). */
  readonly maxConnections?: number;
}

export function createHttpExchange(options: HttpExchangeOptions): HttpExchange {
  const { monotonicMs } = options;
  const inHand = new Set<Promise<HttpAnswer>>();
  const agent = new Agent({
    connections: options.maxConnections ?? MAX_CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });

  async function exchange(request: HttpRequest, window: WriteWindow | null): Promise<HttpAnswer> {
    if (window !== null) await waitUntil(window.notBeforeMs, monotonicMs);
    return new Promise<HttpAnswer>((resolve, reject) => {
      const one = new OneRequest(request, window, monotonicMs, { resolve, reject });
      one.dispatch(agent);
    });
  }

  return {
    async send(request, window) {
      if (inHand.size >= MAX_REQUESTS_IN_HAND) {
        throw new RequestUnsentError(`${MAX_REQUESTS_IN_HAND} requests are already in hand`);
      }
      const exchanged = exchange(request, window);
      inHand.add(exchanged);
      try {
        return await exchanged;
      } finally {
        inHand.delete(exchanged);
      }
    },
    async close() {
      await Promise.allSettled(inHand);
      // Not agent.close(): it would wait for connections that nobody needs any more.
      await agent.destroy();
    },
  };
}

interface Settlement {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: RequestUnsentError | AnswerLostError) => void;
}

/**
 * The life of one request: waiting (nothing written) → written → settled. It is settled exactly
 * once.
 */
class OneRequest implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #window: WriteWindow | null;
  readonly #monotonicMs: () => number;
  readonly #settlement: Settlement;
  #state: "waiting" | "written" | "settled" = "waiting";
  #timer: NodeJS.Timeout | null = null;
  #statusCode = 0;
  #headers: HttpAnswer["headers"] = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    request: HttpRequest,
    window: WriteWindow | null,
    monotonicMs: () => number,
    settlement: Settlement,
  ) {
    this.#request = request;
    this.#window = window;
    this.#monotonicMs = monotonicMs;
    this.#settlement = settlement;
  }

  dispatch(agent: Agent): void {
    const waitMs =
      this.#window === null
        ? MAX_WAIT_FOR_CONNECTION_MS
        : this.#window.notAfterMs - this.#monotonicMs();
    if (waitMs < 0) {
      this.#fail(new RequestUnsentError("it was too late to send it"));
      return;
    }
    // Nobody waits for a connection longer than it can still be of use. What stays in undici's
    // queue is dropped there when its turn comes: see onRequestStart.
    this.#timer = setTimeout(() => {
      this.#fail(new RequestUnsentError("no connection became free in time"));
    }, waitMs);
    const { origin, path, method, headers, body, answerTimeoutMs } = this.#request;
    agent.dispatch({ origin, path, method, headers, body, headersTimeout: answerTimeoutMs }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#state === "settled") throw new RequestUnsentError("it was given up while it waited");
    if (this.#state === "written") {
      // undici would write it again, on another connection. It never does so for what we send; if
      // it ever wants to, the answer to the first writing counts as lost.
      throw new AnswerLostError("the connection broke and it would have been sent twice");
    }
    const notAfterMs = this.#window?.notAfterMs ?? Number.POSITIVE_INFINITY;
    if (this.#monotonicMs() > notAfterMs) {
      throw new RequestUnsentError("it was too late to send it");
    }
    if (this.#window?.isClockSteady() === false) {
      throw new RequestUnsentError("nobody knows how late it is: the clock cannot be trusted now");
    }
    this.#state = "written";
    this.#window?.onWritten?.(this.#monotonicMs());
    this.#stopTimer();
    const { answerTimeoutMs } = this.#request;
    this.#timer = setTimeout(() => {
      controller.abort(new AnswerLostError(`no whole answer within ${answerTimeoutMs} ms`));
    }, answerTimeoutMs);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: HttpAnswer["headers"],
  ): void {
    // Informational answers come here too; the last one counts.
    this.#statusCode = statusCode;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > MAX_ANSWER_BYTES) {
      controller.abort(new AnswerLostError(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#state === "settled") return;
    this.#state = "settled";
    this.#stopTimer();
    this.#settlement.resolve({
      statusCode: this.#statusCode,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks).toString("utf8"),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (error instanceof RequestUnsentError || error instanceof AnswerLostError) {
      this.#fail(error);
    } else if (this.#state === "written") {
      this.#fail(new AnswerLostError(`no answer: ${describe(error)}`, { cause: error }));
    } else {
      this.#fail(new RequestUnsentError(`no connection: ${describe(error)}`, { cause: error }));
    }
  }

  #fail(error: RequestUnsentError | AnswerLostError): void {
    if (this.#state === "settled") return;
    this.#state = "settled";
    this.#stopTimer();
    this.#settlement.reject(error);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

// A refused connection to a name with several addresses has an empty message and a code.
function describe(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return error.message === "" ? code : error.message;
}

/**
 * Timers fire up to a millisecond early, and none may be longer than 2^31 ms; so wait in steps and
 * look again.
 */
const MAX_WAIT_STEP_MS = 60_000;

async function waitUntil(atMs: number, monotonicMs: () => number): Promise<void> {
  for (;;) {
    const remainingMs = atMs - monotonicMs();
    if (remainingMs <= 0) return;
    const stepMs = Math.min(Math.ceil(remainingMs), MAX_WAIT_STEP_MS);
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}
