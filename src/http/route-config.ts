// What every route says about itself beside its schema, and what a request carries on its way
// through the hooks.

import type { FieldCodes } from "./contract/field-codes.ts";
import type { IdempotentWork } from "./idempotency.ts";
import type { KeyAccess } from "../store/api-keys.ts";

/**
 * `key`: an API key. `operator`: the operator's token. `key_or_operator`: either; the answer is
 * about the key, or about the whole installation. `anyone`: no authentication.
 */
export type RouteAccess = "key" | "operator" | "key_or_operator" | "anyone";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Must be said by every route under /v1. */
    access?: RouteAccess;
    /** Error codes of fields that have their own. */
    fieldCodes?: FieldCodes;
    /** Other spellings of body fields, and what they mean. */
    aliases?: Readonly<Record<string, string>>;
    /**
     * `own`: the handler claims and completes the idempotency key itself. `never`: the header is
     * ignored.
     */
    idempotency?: "own" | "never";
  }
  interface FastifyRequest {
    /** The key that asks; null for the operator and for anyone. */
    apiKey: KeyAccess | null;
    /** SHA-256 of the body's bytes; null without a body. */
    bodyHash: Uint8Array | null;
    idempotentWork: IdempotentWork | null;
  }
}
