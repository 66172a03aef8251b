// API keys: made, listed, changed and revoked by the operator, rotated by themselves (contract B.1;
// DESIGN §5). A secret leaves the server once, in the answer that made it.

import { AppError } from "../domain/app-error.ts";
import { newKeyId, newSecret } from "../domain/ids.ts";
import {
  createApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
  type ApiKeyChange,
  type ApiKeyRow,
  type RecipientCaps,
} from "../store/api-keys.ts";
import {
  ApiKey,
  CreatedKey,
  CreateKeyRequest,
  KeyList,
  KeyParams,
  RevokedKey,
  RotatedKey,
  UpdateKeyRequest,
} from "./contract/key.ts";
import { isoTime, isoTimeOrNull } from "./iso-time.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import { hashSecret } from "./secret-hash.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addKeyRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addCreateAndList(app, dependencies);
  addUpdateAndRevoke(app, dependencies);
  addRotate(app, dependencies);
}

function addCreateAndList(app: RouteApp, { database, clock, random }: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/keys",
    config: { access: "operator" },
    schema: {
      tags: ["Keys"],
      summary: "Create an API key",
      operationId: "createKey",
      body: CreateKeyRequest,
      response: { 201: CreatedKey, ...errorAnswers(400, 403) },
    },
    handler: async (request, reply) => {
      const secret = newSecret(random);
      const key = await createApiKey(database, {
        id: newKeyId(random),
        name: request.body.name ?? null,
        secretHash: hashSecret(secret),
        concurrentCallLimit: request.body.concurrent_call_limit,
        allowedCountries: request.body.allowed_countries ?? null,
        maxCallsPerDay: request.body.max_calls_per_day ?? null,
        maxCallsPerRecipient: capsOf(request.body.max_calls_per_recipient ?? null),
        createdAt: clock.now(),
      });
      const message = "Store the secret now: it is shown only this once.";
      return reply.code(201).send({ message, key_secret: secret, ...presentKey(key) });
    },
  });
  app.route({
    method: "GET",
    url: "/v1/keys",
    config: { access: "operator" },
    schema: {
      tags: ["Keys"],
      summary: "List API keys, newest first",
      operationId: "listKeys",
      response: { 200: KeyList, ...errorAnswers(403) },
    },
    handler: async () => {
      const keys = (await listApiKeys(database)).map(presentKey);
      return { keys, count: keys.length };
    },
  });
}

function addUpdateAndRevoke(app: RouteApp, { database, clock, engine }: HttpDependencies): void {
  app.route({
    method: "PATCH",
    url: "/v1/keys/:key_id",
    config: { access: "operator" },
    schema: {
      tags: ["Keys"],
      summary: "Change an API key",
      description: "A lower limit takes free slots now and held ones as their calls end.",
      operationId: "updateKey",
      params: KeyParams,
      body: UpdateKeyRequest,
      response: { 200: ApiKey, ...errorAnswers(400, 403, 404) },
    },
    handler: async (request) => {
      const change = keyChange(request.body);
      if (Object.keys(change).length === 0) {
        const message = `Send at least one of ${Object.keys(UpdateKeyRequest.shape).join(", ")}.`;
        throw new AppError("missing_field", { message });
      }
      const key = await database.transaction((tx) =>
        updateApiKey(tx, request.params.key_id, change),
      );
      if (key === null) throw keyNotFound();
      engine.wake();
      return presentKey(key);
    },
  });
  app.route({
    method: "DELETE",
    url: "/v1/keys/:key_id",
    config: { access: "operator" },
    schema: {
      tags: ["Keys"],
      summary: "Revoke an API key",
      description:
        "At once and for good. Its data stays; its campaigns dial nobody any more and are canceled within a minute.",
      operationId: "revokeKey",
      params: KeyParams,
      response: { 200: RevokedKey, ...errorAnswers(403, 404) },
    },
    handler: async (request) => {
      const revokedAt = await revokeApiKey(database, request.params.key_id, clock.now());
      if (revokedAt === null) throw keyNotFound();
      return {
        key_id: request.params.key_id,
        revoked: true as const,
        revoked_at: isoTime(revokedAt),
      };
    },
  });
}

function addRotate(app: RouteApp, { database, clock, random }: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/keys/rotate",
    // A stored answer would hold the new secret in clear, and the old secret could not ask for it
    // anyway.
    config: { access: "key", idempotency: "never" },
    schema: {
      tags: ["Keys"],
      summary: "Replace the secret of the key that asks",
      description:
        "The old secret is dead the instant this returns. Idempotency-Key is ignored here.",
      operationId: "rotateKey",
      response: { 200: RotatedKey, ...errorAnswers() },
    },
    handler: async (request) => {
      const key = keyOf(request);
      const secret = newSecret(random);
      const isRotated = await rotateApiKey(database, {
        id: key.id,
        oldHash: key.secretHash,
        newHash: hashSecret(secret),
        now: clock.now(),
      });
      // Somebody else rotated or revoked it since this request was let in.
      if (!isRotated) throw new AppError("unauthorized", { message: "Invalid or missing API key" });
      const message = "Store the new secret now: it is shown only this once.";
      return { message, key_id: key.id, key_secret: secret };
    },
  });
}

function keyChange(body: {
  readonly name?: string | null | undefined;
  readonly concurrent_call_limit?: number | undefined;
  readonly allowed_countries?: readonly string[] | null | undefined;
  readonly max_calls_per_day?: number | null | undefined;
  readonly max_calls_per_recipient?: SentCaps | null | undefined;
}): ApiKeyChange {
  return {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.concurrent_call_limit === undefined
      ? {}
      : { concurrentCallLimit: body.concurrent_call_limit }),
    ...(body.allowed_countries === undefined ? {} : { allowedCountries: body.allowed_countries }),
    ...(body.max_calls_per_day === undefined ? {} : { maxCallsPerDay: body.max_calls_per_day }),
    ...(body.max_calls_per_recipient === undefined
      ? {}
      : { maxCallsPerRecipient: capsOf(body.max_calls_per_recipient) }),
  };
}

type SentCaps = { readonly [Period in keyof RecipientCaps]?: number | null | undefined };

/** All periods, as they are kept; null when none has a cap. */
function capsOf(sent: SentCaps | null): RecipientCaps | null {
  if (sent === null) return null;
  const caps = {
    per_24_hours: sent.per_24_hours ?? null,
    per_7_days: sent.per_7_days ?? null,
    per_30_days: sent.per_30_days ?? null,
  };
  return Object.values(caps).every((cap) => cap === null) ? null : caps;
}

function presentKey(key: ApiKeyRow): ApiKey {
  return {
    key_id: key.id,
    name: key.name,
    concurrent_call_limit: key.concurrentCallLimit,
    allowed_countries: key.allowedCountries === null ? null : [...key.allowedCountries],
    max_calls_per_day: key.maxCallsPerDay,
    max_calls_per_recipient: key.maxCallsPerRecipient,
    created_at: isoTime(key.createdAt),
    rotated_at: isoTimeOrNull(key.rotatedAt),
    revoked_at: isoTimeOrNull(key.revokedAt),
  };
}

function keyNotFound(): AppError {
  return new AppError("key_not_found", { message: "There is no such API key." });
}
