// The server as route files see it: bodies, queries and answers typed by their schemas; and what
// every route shares.

import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ZodType } from "zod";

import type { KeyAccess } from "../store/api-keys.ts";
import { ErrorEnvelope } from "./contract/error.ts";

export type RouteApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

type ErrorStatus = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 500 | 502 | 503;

/** Error answers of a route for the API's description: those given and the ones every route has. */
export function errorAnswers<S extends ErrorStatus = never>(
  ...statuses: readonly S[]
): Record<S | 401 | 429 | 500, typeof ErrorEnvelope> {
  const all: readonly ErrorStatus[] = [...statuses, 401, 429, 500];
  return Object.fromEntries(all.map((status) => [status, ErrorEnvelope])) as Record<
    S | 401 | 429 | 500,
    typeof ErrorEnvelope
  >;
}

/** Checks one part of a request with its schema. */
export function validatorCompiler({ schema }: { readonly schema: unknown }) {
  return (data: unknown) => {
    // The input is kept in the issues so that what is missing can be told from what is wrong.
    const result = (schema as ZodType).safeParse(data, { reportInput: true });
    return result.success ? { value: result.data } : { error: result.error };
  };
}

/** The key that asks. Only for routes whose access is `key`. */
export function keyOf(request: Pick<FastifyRequest, "apiKey">): KeyAccess {
  if (request.apiKey === null) throw new Error("a route without key access asked for its key");
  return request.apiKey;
}
