// The official SDK on our own HTTP: what the SDK calls its httpClient, over http-exchange.ts. The
// SDK gives us parameter names, paging and typed errors; connections, time-outs and the deadline
// are ours. A client is made per request: that costs about 30 µs, carries the request's window
// without hidden state, and keeps no token in memory longer than needed.

// The deep path loads half of what the package's root does (139 ms against 256 ms at every start).
import Twilio from "twilio/lib/rest/Twilio.js";

import type { CarrierCredentials } from "../../ports/carrier.ts";
import type { CarrierLog } from "./carrier-log.ts";
import { createHttpExchange } from "./http-exchange.ts";
import type { HttpAnswer, HttpExchange, WriteWindow } from "./http-exchange.ts";

export type TwilioClient = InstanceType<typeof Twilio>;

const TWILIO_BASE_URL = "https://api.twilio.com";
/**
 * For creating a call. Twilio's API itself may take about 26 s before it gives up (twilio.md §2.4),
 * and the engine looks for the call from 45 s after the last byte: a later answer would find its
 * call already being reconciled.
 */
const CREATE_ANSWER_TIMEOUT_MS = 30_000;
/** For everything else, which may be asked again. */
const ANSWER_TIMEOUT_MS = 15_000;

export interface TwilioTransport {
  /**
   * A client of one account. With a window, its requests are written inside it or not at all.
   * @throws Error when the account id is none (the SDK insists on AC…).
   */
  clientFor(credentials: CarrierCredentials, window: WriteWindow | null): TwilioClient;
  close(): Promise<void>;
}

export interface TwilioTransportOptions {
  /** Anything but Twilio's own address stands in for it: a simulator, or a compatible carrier. */
  readonly baseUrl: string;
  readonly monotonicMs: () => number;
  readonly log: CarrierLog;
  readonly maxConnections?: number;
}

export function createTwilioTransport(options: TwilioTransportOptions): TwilioTransport {
  const { baseUrl, monotonicMs, log, maxConnections } = options;
  const exchange = createHttpExchange({
    monotonicMs,
    ...(maxConnections === undefined ? {} : { maxConnections }),
  });
  const base = baseUrl.replace(/\/+$/, "");
  // The SDK puts TWILIO_REGION and TWILIO_EDGE into any host name, so "127.0.0.1" becomes
  // "127.sydney.au1.0.1". They are meant for Twilio's own hosts: with another base URL only the
  // path of what the SDK asks for is used.
  const pinnedOrigin = base === TWILIO_BASE_URL ? null : new URL(base).origin;

  return {
    clientFor(credentials, window) {
      const httpClient = {
        request: (asked: SdkRequest) => request(exchange, { asked, pinnedOrigin, window, log }),
      };
      const client = new Twilio(credentials.carrierAccountId, credentials.authToken, {
        // The SDK types this as its own class; `request` is all it calls.
        httpClient: httpClient as never,
      });
      client.api.baseUrl = base;
      return client;
    },
    close: () => exchange.close(),
  };
}

/** What the SDK hands to its httpClient; the rest of its fields we never set. */
interface SdkRequest {
  readonly method: string;
  readonly uri: string;
  readonly username?: string;
  readonly password?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface RequestContext {
  readonly asked: SdkRequest;
  readonly pinnedOrigin: string | null;
  readonly window: WriteWindow | null;
  readonly log: CarrierLog;
}

async function request(exchange: HttpExchange, context: RequestContext): Promise<HttpAnswer> {
  const { asked, pinnedOrigin, window, log } = context;
  const url = new URL(asked.uri);
  const query = formatForm(asked.params ?? {});
  const path = url.pathname + joinQuery(url.search, query);
  const method = asked.method.toUpperCase() as "GET" | "POST" | "DELETE";
  const answer = await exchange.send(
    {
      origin: pinnedOrigin ?? url.origin,
      path,
      method,
      headers: { ...textHeaders(asked.headers ?? {}), authorization: basicAuthorization(asked) },
      body: method === "POST" ? formatForm(asked.data ?? {}) : null,
      answerTimeoutMs: window === null ? ANSWER_TIMEOUT_MS : CREATE_ANSWER_TIMEOUT_MS,
    },
    window,
  );
  // The query is left out: it may hold phone numbers.
  const facts = {
    method,
    path: url.pathname,
    status: answer.statusCode,
    carrier_request_id: answer.headers["twilio-request-id"],
    carrier_error_code: answer.headers["x-twilio-error-code"],
    carrier_concurrent_requests: answer.headers["twilio-concurrent-requests"],
  };
  if (answer.statusCode < 400) log.debug(facts, "the carrier answered");
  else log.info(facts, "the carrier answered with an error");
  return answer;
}

// A list is sent as the same field again and again, as Twilio documents StatusCallbackEvent.
function formatForm(fields: Readonly<Record<string, unknown>>): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) form.append(name, String(one));
    }
  }
  return form.toString();
}

function joinQuery(search: string, query: string): string {
  if (query === "") return search;
  return search === "" ? `?${query}` : `${search}&${query}`;
}

function textHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}

function basicAuthorization(asked: SdkRequest): string {
  const pair = `${asked.username ?? ""}:${asked.password ?? ""}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}
