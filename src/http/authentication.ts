// Who is asking. Runs before the body is read, so that strangers cost one indexed query and no
// memory. Nothing is cached: a rotated or revoked key is dead in every process the instant its
// change commits.

import type { FastifyRequest } from "fastify";

import { AppError } from "../domain/app-error.ts";
import { findKeyAccess, type KeyAccess } from "../store/api-keys.ts";
import { readOperatorTokenHash } from "../store/installation.ts";
import type { Database } from "../ports/database.ts";
import { matchesHash } from "./secret-hash.ts";

// A header is at most `Bearer `, a key id and a secret; an operator may choose a longer token.
const MAX_CREDENTIALS_LENGTH = 512;
const KEY_ID = /^key_[0-9a-f]{32}$/;

/**
 * The key of `Authorization: Bearer KEY_ID:KEY_SECRET`.
 * @throws AppError `unauthorized` when it is missing, half, unknown, wrong or revoked; always the
 * same message. Source: contract B.1.
 */
export async function authenticateKey(
  request: FastifyRequest,
  database: Database,
): Promise<KeyAccess> {
  const key = await findKey(bearerCredentials(request), database);
  if (key === null) throw unauthorized("Invalid or missing API key");
  return key;
}

/** Whether the credentials look like a token and not like an API key, right or wrong. */
export function sendsOperatorToken(request: FastifyRequest): boolean {
  const credentials = bearerCredentials(request);
  return credentials !== null && !credentials.includes(":");
}

/** Whether the credentials are the token of this hash; null: there is none. */
export function sendsToken(request: FastifyRequest, hash: Uint8Array | null): boolean {
  const credentials = bearerCredentials(request);
  return credentials !== null && matchesHash(credentials, hash);
}

/**
 * Checks the operator's token.
 * @throws AppError `permission_denied` for a valid API key, `unauthorized` for anything else.
 */
export async function authenticateOperator(
  request: FastifyRequest,
  database: Database,
): Promise<void> {
  const credentials = bearerCredentials(request);
  if (credentials !== null && sendsOperatorToken(request)) {
    if (matchesHash(credentials, await readOperatorTokenHash(database))) return;
  }
  if ((await findKey(credentials, database)) !== null) {
    throw new AppError("permission_denied", {
      message: "This is for the operator: send the operator token, not an API key.",
    });
  }
  throw unauthorized("Invalid or missing operator token");
}

async function findKey(credentials: string | null, database: Database): Promise<KeyAccess | null> {
  if (credentials === null) return null;
  const colon = credentials.indexOf(":");
  const keyId = credentials.slice(0, Math.max(0, colon));
  const secret = credentials.slice(colon + 1);
  if (!KEY_ID.test(keyId) || secret === "") return null;
  const key = await findKeyAccess(database, keyId);
  return matchesHash(secret, key?.secretHash ?? null) ? key : null;
}

function bearerCredentials(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined || header.length > MAX_CREDENTIALS_LENGTH) return null;
  return /^bearer +(\S+) *$/i.exec(header)?.[1] ?? null;
}

function unauthorized(message: string): AppError {
  return new AppError("unauthorized", { message });
}
