// Sends the carrier's requests to its callers: signed, form-encoded, with the time-outs and retries
// that the address asks for, and never longer than 15 seconds in all. Never throws; a request that
// failed is an outcome. Waits are real time: the speed of a run does not touch them.

import { Agent, request } from "undici";
import type { Dispatcher } from "undici";
import type { CallbackTarget } from "../carrier-model/create-call-request.ts";
import type { Pace } from "../pace.ts";
import { parseCallbackAddress } from "./connection-overrides.ts";
import type { CallbackAddress, ConnectionOverrides, RetryReason } from "./connection-overrides.ts";
import { signRequest } from "./signature.ts";

export interface WebhookOrder {
  readonly authToken: string;
  readonly target: CallbackTarget;
  readonly form: URLSearchParams;
  /** The same on every try of this request. */
  readonly idempotencyToken: string;
}

export type WebhookOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly contentType: string;
      readonly body: string;
    }
  | { readonly kind: "failed"; readonly reason: RetryReason; readonly message: string };

export interface WebhookClient {
  send(order: WebhookOrder): Promise<WebhookOutcome>;
  close(): Promise<void>;
}

/** Longer answers are cut: markup may not be longer than this either. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_REDIRECTS = 5;
/** One pool per connect time-out asked for; more different values than this share the default. */
const MAX_POOLS = 16;
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
/**
 * Enough for thousands of callbacks a second, and below the descriptors a process may hold by
 * default.
 */
const MAX_CONNECTIONS_PER_ORIGIN = 256;

const CONNECT_ERRORS = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/;
const CONNECT_ERROR_FAMILIES =
  /^(UND_ERR_CONNECT_TIMEOUT|ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_|UNABLE_)/;

export function createWebhookClient(pace: Pace): WebhookClient {
  const pools = new Map<number, Agent>();
  const poolFor = (overrides: ConnectionOverrides): Agent => {
    const wanted = overrides.connectTimeoutMs;
    const timeout =
      pools.has(wanted) || pools.size < MAX_POOLS ? wanted : DEFAULT_CONNECT_TIMEOUT_MS;
    const pool =
      pools.get(timeout) ??
      new Agent({ connect: { timeout }, connections: MAX_CONNECTIONS_PER_ORIGIN });
    pools.set(timeout, pool);
    return pool;
  };
  return {
    send: (order) => sendWithRetries(pace, poolFor, order),
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

async function sendWithRetries(
  pace: Pace,
  poolFor: (overrides: ConnectionOverrides) => Agent,
  order: WebhookOrder,
): Promise<WebhookOutcome> {
  const address = parseCallbackAddress(order.target.url);
  const { overrides } = address;
  const deadline = pace.now() + overrides.totalTimeoutMs;
  for (let tryNumber = 0; ; tryNumber += 1) {
    const leftMs = deadline - pace.now();
    const outcome = await sendOnce(pace, poolFor(overrides), order, address, leftMs);
    const reason = failureOf(outcome);
    if (reason === null || tryNumber >= overrides.maxRetries) return outcome;
    if (!overrides.retryOn.has(reason) || pace.now() >= deadline) return outcome;
  }
}

function failureOf(outcome: WebhookOutcome): RetryReason | null {
  if (outcome.kind === "failed") return outcome.reason;
  if (outcome.status >= 500) return "5xx";
  return outcome.status >= 400 ? "4xx" : null;
}

async function sendOnce(
  pace: Pace,
  pool: Agent,
  order: WebhookOrder,
  address: CallbackAddress,
  leftMs: number,
): Promise<WebhookOutcome> {
  const abort = new AbortController();
  const timeoutMs = Math.min(leftMs, address.overrides.readTimeoutMs);
  const cancel = pace.after(timeoutMs, () => abort.abort());
  try {
    return await follow(pool, order, address, abort.signal);
  } catch (cause) {
    if (abort.signal.aborted) {
      return { kind: "failed", reason: "rt", message: `no answer in ${Math.round(timeoutMs)} ms` };
    }
    return describeFailure(cause);
  } finally {
    cancel();
  }
}

/** Sends, and follows redirects as the carrier does: as GET, without the body. */
async function follow(
  pool: Agent,
  order: WebhookOrder,
  address: CallbackAddress,
  signal: AbortSignal,
): Promise<WebhookOutcome> {
  const isPost = order.target.method === "POST";
  let url = isPost ? address.url : withQuery(address.url, order.form);
  let form = isPost ? order.form : null;
  for (let redirects = 0; ; redirects += 1) {
    const response = await request(url, {
      dispatcher: pool,
      method: form === null ? "GET" : "POST",
      headers: headersFor(order, address, url, form),
      body: form === null ? null : form.toString(),
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const location = response.headers["location"];
    const isRedirect = response.statusCode >= 301 && response.statusCode <= 308;
    if (!isRedirect || typeof location !== "string" || redirects === MAX_REDIRECTS) {
      return readAnswer(response);
    }
    await response.body.dump();
    url = new URL(location, url).href;
    form = null;
  }
}

function headersFor(
  order: WebhookOrder,
  address: CallbackAddress,
  url: string,
  form: URLSearchParams | null,
): Record<string, string> {
  const headers: Record<string, string> = {
    "user-agent": "TwilioProxy/1.1",
    accept: "*/*",
    "i-twilio-idempotency-token": order.idempotencyToken,
    "x-twilio-signature": signRequest(order.authToken, url, form),
  };
  if (form !== null) headers["content-type"] = "application/x-www-form-urlencoded; charset=UTF-8";
  if (address.userInfo !== null) {
    headers["authorization"] = `Basic ${Buffer.from(address.userInfo).toString("base64")}`;
  }
  return headers;
}

async function readAnswer(response: Dispatcher.ResponseData): Promise<WebhookOutcome> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_ANSWER_BYTES) chunks.push(chunk);
  }
  return {
    kind: "answered",
    status: response.statusCode,
    contentType: String(response.headers["content-type"] ?? ""),
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

function withQuery(url: string, form: URLSearchParams): string {
  return `${url}${url.includes("?") ? "&" : "?"}${form.toString()}`;
}

function errorCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return typeof code === "string" ? code : "";
}

function describeFailure(cause: unknown): WebhookOutcome {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  // A name with several addresses fails with one error per address.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = errorCode(first);
  const isConnect = CONNECT_ERRORS.test(code) || CONNECT_ERROR_FAMILIES.test(code);
  return { kind: "failed", reason: isConnect ? "ct" : "rt", message: error.message || code };
}
