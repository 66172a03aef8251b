// Where the Idempotency-Key header is looked at: after a request has proved valid and before its
// handler, and again when its answer is sent.

import type { FastifyInstance } from "fastify";

import { beginIdempotentWork, endIdempotentWork } from "./idempotency.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addIdempotencyHooks(
  app: FastifyInstance,
  ports: Pick<HttpDependencies, "database" | "clock">,
): void {
  app.decorateRequest("idempotentWork", null);
  app.addHook("preHandler", async (request, reply) => {
    if (request.apiKey === null || request.routeOptions.config.idempotency !== undefined) return;
    if (await beginIdempotentWork(ports, request, reply)) return reply;
  });
  app.addHook("onSend", async (request, reply, payload) => {
    await endIdempotentWork(ports, request, { status: reply.statusCode, body: payload });
    return payload;
  });
}
