// The Outbound port over undici: HTTP to addresses that users gave. https to public addresses only
// (guarded-connector.ts), no redirect followed, everything bounded: time in all, headers, body.
// Never throws, never sends twice, never says more about a failure than its kind.

import { Agent, type Dispatcher } from "undici";
import type { Outbound, OutboundOutcome, OutboundRequest } from "../../ports/outbound.ts";
import { createGuardedConnector, ForbiddenAddressError } from "./guarded-connector.ts";
import { createHostResolver, type ResolveHost } from "./resolve-host.ts";

/** Of an answer's body; what comes after it is not read. */
const MAX_BODY_BYTES = 64 * 1024;
/** Of an answer's headers; more fails the request. */
const MAX_HEADER_BYTES = 16 * 1024;
/** To one host, by default: a slow one holds no more sockets than this. */
const MAX_CONNECTIONS_PER_HOST = 10;
/** A moment, for several deliveries in a row. */
const KEEP_ALIVE_MS = 4_000;

export interface HttpOutbound extends Outbound {
  /** Cuts what is under way. */
  close(): Promise<void>;
}

export interface HttpOutboundOptions {
  /** http, this machine and private networks are allowed too; for development. */
  readonly allowLocal: boolean;
  /** Requests to one host at once; others wait, within their time. Default 10. */
  readonly connectionsPerHost?: number;
  /** Sent as the user agent unless the request brings its own. */
  readonly userAgent: string;
  /** Default: the network's name servers. */
  readonly resolve?: ResolveHost;
}

export function createHttpOutbound(options: HttpOutboundOptions): HttpOutbound {
  const { allowLocal, userAgent, resolve = createHostResolver() } = options;
  const { connectionsPerHost = MAX_CONNECTIONS_PER_HOST } = options;
  const agent = new Agent({
    connect: createGuardedConnector({ allowLocal, resolve }),
    connections: connectionsPerHost,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });
  return {
    send: async (request) => {
      const url = URL.parse(request.url);
      const problem = problemOf(url, allowLocal);
      if (url === null || problem !== null) {
        return { kind: "forbidden", reason: problem ?? "not an address" };
      }
      try {
        return await exchange(agent, url, request, userAgent);
      } catch (error) {
        return failureOf(error, request.timeoutMs);
      }
    },
    close: () => agent.destroy(),
  };
}

function problemOf(url: URL | null, allowLocal: boolean): string | null {
  if (url === null) return "not an address";
  if (url.protocol !== "https:" && !(allowLocal && url.protocol === "http:")) {
    return "not an https address";
  }
  return url.username === "" && url.password === "" ? null : "it holds a user name or password";
}

async function exchange(
  agent: Agent,
  url: URL,
  request: OutboundRequest,
  userAgent: string,
): Promise<OutboundOutcome> {
  // Over name, connection, headers and body together: no dribbling answer lasts longer. A request
  // that still waits for its connection hears of the signal late, so it is heard here as well.
  const limit = AbortSignal.timeout(request.timeoutMs);
  const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal]);
  const asked = ask(agent, url, request, { userAgent, signal });
  return Promise.race([asked, rejection(signal)]);
}

async function ask(
  agent: Agent,
  url: URL,
  request: OutboundRequest,
  { userAgent, signal }: { readonly userAgent: string; readonly signal: AbortSignal },
): Promise<OutboundOutcome> {
  const { statusCode, body } = await agent.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method,
    headers: { "user-agent": userAgent, ...request.headers },
    body: request.body,
    signal,
  });
  return { kind: "answered", status: statusCode, body: await readStart(body) };
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

/** Up to the limit; the rest is refused by closing the connection. */
async function readStart(body: Dispatcher.ResponseData["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const buffer = chunk as Buffer;
    chunks.push(buffer);
    bytes += buffer.byteLength;
    // Leaving the loop destroys the stream.
    if (bytes >= MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString("utf8");
}

function failureOf(error: unknown, timeoutMs: number): OutboundOutcome {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof ForbiddenAddressError) return { kind: "forbidden", reason: each.message };
    if (each.name === "TimeoutError") {
      return { kind: "failed", reason: `no whole answer within ${timeoutMs} ms` };
    }
  }
  if (!(error instanceof Error)) return { kind: "failed", reason: "it failed" };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return { kind: "failed", reason: error.message === "" ? code : `${error.message} (${code})` };
}
