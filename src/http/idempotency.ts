// The Idempotency-Key header (contract B.2.6; DESIGN §5): per API key, for 24 hours. Answers with
// 429 or 5xx are not kept, so that the same request may be tried again. Where calls come into being
// (batch, single call) the answer is stored in the transaction of its effect; elsewhere right after
// it, which can only repeat an effect that is idempotent or harmless.

import { createHash } from "node:crypto";

import type { FastifyReply, FastifyRequest } from "fastify";

import { AppError } from "../domain/app-error.ts";
import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database, Queryable } from "../ports/database.ts";
import {
  claimIdempotencyKey,
  completeIdempotencyKey,
  releaseIdempotencyKey,
} from "../store/idempotency.ts";

/** Contract B.2.6. */
const KEPT_MS = 24 * 3_600_000;
// Longer than any request works after its body has arrived (statements are cut at 30 s); past it,
// its process is dead.
const LOCK_MS = 120_000;
/** For lists: a million recipients were measured at two minutes on two busy cores. */
export const LIST_LOCK_MS = 20 * 60_000;
/** A client that timed out sends the same list again within minutes (DESIGN §5). */
const ONCE_ONLY_MS = 10 * 60_000;
const KEY_SHAPE = /^[\x21-\x7e]{1,255}$/;
const METHODS = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** A claimed key, until its answer is stored. */
export interface IdempotentWork {
  readonly keyId: string;
  readonly idempotencyKey: string;
  readonly lockedUntil: Instant;
  /** false: a refusal is forgotten at once, because what refused it may change. */
  readonly keepsRefusals: boolean;
  isStored: boolean;
}

interface Ports {
  readonly database: Database;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Claims the request's idempotency key, if it has one. Answers true when the request was answered
 * from the store.
 * @throws AppError `idempotency_key_reused`, `request_in_progress` (retryable), or
 * `invalid_request` for a bad header.
 */
export async function beginIdempotentWork(
  ports: Ports,
  request: FastifyRequest,
  reply: FastifyReply,
  lockMs = LOCK_MS,
): Promise<boolean> {
  const idempotencyKey = readIdempotencyKey(request);
  if (idempotencyKey === null) return false;
  const terms = { keptMs: KEPT_MS, lockMs, keepsRefusals: true };
  return claimOrAnswer(ports, request, reply, idempotencyKey, terms);
}

/**
 * The same for a request without a key: one with the same body is the same request for ten minutes,
 * if it succeeded.
 */
export function beginOnceOnly(
  ports: Ports,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  // No header can hold a space, so nobody's key is this one.
  const idempotencyKey = `once ${Buffer.from(hashRequest(request)).toString("hex")}`;
  const terms = { keptMs: ONCE_ONLY_MS, lockMs: ONCE_ONLY_MS, keepsRefusals: false };
  return claimOrAnswer(ports, request, reply, idempotencyKey, terms);
}

async function claimOrAnswer(
  ports: Ports,
  request: FastifyRequest,
  reply: FastifyReply,
  idempotencyKey: string,
  terms: { readonly keptMs: number; readonly lockMs: number; readonly keepsRefusals: boolean },
): Promise<boolean> {
  if (request.apiKey === null) return false;
  const keyId = request.apiKey.id;
  const now = ports.clock.now();
  const claim = await claimIdempotencyKey(
    ports.database,
    { keyId, idempotencyKey, requestHash: hashRequest(request) },
    { now, expiresAt: now + terms.keptMs, lockedUntil: now + terms.lockMs },
  );
  switch (claim.kind) {
    case "claimed":
      request.idempotentWork = {
        keyId,
        idempotencyKey,
        lockedUntil: claim.lockedUntil,
        keepsRefusals: terms.keepsRefusals,
        isStored: false,
      };
      return false;
    case "answered":
      void sendStored(reply.header("idempotent-replayed", "true"), claim);
      return true;
    case "in_work":
      throw inProgress();
    case "other_request":
      throw new AppError("idempotency_key_reused", {
        message:
          "This Idempotency-Key was used for another request within 24 hours. Use a new one.",
      });
  }
}

/** An answer whose text is stored or will be, sent as exactly that text. */
export function sendStored(
  reply: FastifyReply,
  answer: { readonly status: number; readonly body: string },
): FastifyReply {
  return reply
    .code(answer.status)
    .header("content-type", "application/json; charset=utf-8")
    .serializer((body: string) => body)
    .send(answer.body);
}

/**
 * Runs `work` in a transaction that also stores its answer under the request's idempotency key, and
 * gives the answer.
 */
export async function commitAnswer(
  ports: Ports,
  request: FastifyRequest,
  work: (tx: Queryable) => Promise<{ readonly status: number; readonly body: object }>,
): Promise<{ readonly status: number; readonly body: string }> {
  const claim = request.idempotentWork;
  const answer = await ports.database.transaction(async (tx) => {
    const { status, body } = await work(tx);
    const stored = { status, body: JSON.stringify(body) };
    if (claim !== null && !(await completeIdempotencyKey(tx, claim, stored))) throw inProgress();
    return stored;
  });
  if (claim !== null) claim.isStored = true;
  return answer;
}

/**
 * Stores the answer that is being sent, or gives the key back. Never fails the request: its effect
 * has happened.
 */
export async function endIdempotentWork(
  ports: Ports,
  request: FastifyRequest,
  answer: { readonly status: number; readonly body: unknown },
): Promise<void> {
  const claim = request.idempotentWork;
  if (claim === null || claim.isStored) return;
  claim.isStored = true;
  const isFinal = answer.status < 500 && answer.status !== 429;
  const isWanted = claim.keepsRefusals || answer.status < 400;
  try {
    if (isFinal && isWanted && typeof answer.body === "string") {
      await completeIdempotencyKey(ports.database, claim, {
        status: answer.status,
        body: answer.body,
      });
    } else {
      await releaseIdempotencyKey(ports.database, claim);
    }
  } catch (error) {
    request.log.error({ err: error }, "an answer could not be stored under its idempotency key");
  }
}

function readIdempotencyKey(request: FastifyRequest): string | null {
  const header = request.headers["idempotency-key"];
  if (header === undefined || !METHODS.has(request.method)) return null;
  if (typeof header !== "string" || !KEY_SHAPE.test(header)) {
    throw new AppError("invalid_request", {
      message: "Idempotency-Key must be 1 to 255 visible ASCII characters.",
      details: { field: "Idempotency-Key" },
    });
  }
  return header;
}

function hashRequest(request: FastifyRequest): Uint8Array {
  return createHash("sha256")
    .update(`${request.method} ${request.url}\n`)
    .update(request.bodyHash ?? "")
    .digest();
}

function inProgress(): AppError {
  return new AppError("request_in_progress", {
    message: "A request with this Idempotency-Key is still in work. Ask again in a moment.",
    retryable: true,
    retryAfterSeconds: 1,
  });
}
