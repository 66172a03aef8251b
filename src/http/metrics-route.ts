// GET /metrics for Prometheus. Names keys and accounts by their ids, so it is for the operator: the
// operator's token, or one that can read measurements and nothing else.

import type { FastifyPluginAsync, FastifyRequest } from "fastify";

import type { Database } from "../ports/database.ts";
import { authenticateOperator, sendsToken } from "./authentication.ts";
import { hashSecret } from "./secret-hash.ts";

export function metricsRoute(dependencies: {
  readonly database: Database;
  /** CARILLON_METRICS_TOKEN; null: only the operator's token will do. */
  readonly token: string | null;
  readonly contentType: string;
  readonly render: () => Promise<string>;
}): FastifyPluginAsync {
  const { database, token, contentType, render } = dependencies;
  const tokenHash = token === null ? null : hashSecret(token);
  const authenticate = async (request: FastifyRequest): Promise<void> => {
    if (sendsToken(request, tokenHash)) return;
    await authenticateOperator(request, database);
  };
  return (app) => {
    app.route({
      method: "GET",
      url: "/metrics",
      schema: { hide: true },
      onRequest: authenticate,
      handler: async (_request, reply) => reply.type(contentType).send(await render()),
    });
    return Promise.resolve();
  };
}
