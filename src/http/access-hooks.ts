// The first thing that happens to a request: it gets its id, shows who it is, and is counted. No
// body has been read yet.

import type { FastifyInstance, FastifyReply } from "fastify";

import { AppError } from "../domain/app-error.ts";
import { authenticateKey, authenticateOperator, sendsOperatorToken } from "./authentication.ts";
import { createRateLimiter, type TakeRequest } from "./rate-limit.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

type Ports = Pick<HttpDependencies, "database" | "clock" | "settings">;

/** Adds request ids, authentication by the route's `access`, and the rate limit of keys. */
export function addAccessHooks(app: FastifyInstance, ports: Ports): void {
  const takeRequest = createRateLimiter(ports.settings.rateLimitPerMinute, ports.clock);
  app.decorateRequest("apiKey", null);
  app.addHook("onRequest", async (request, reply) => {
    // Some clients of the hosted product read the second name (contract B.2.8).
    void reply.header("x-request-id", request.id).header("x-railway-request-id", request.id);
    // An unknown path has no route to say who may ask for it.
    switch (request.is404 ? undefined : request.routeOptions.config.access) {
      case "key":
        request.apiKey = await authenticateKey(request, ports.database);
        countRequest(request.apiKey.id, reply, takeRequest);
        return;
      case "key_or_operator":
        if (sendsOperatorToken(request)) {
          await authenticateOperator(request, ports.database);
          return;
        }
        request.apiKey = await authenticateKey(request, ports.database);
        countRequest(request.apiKey.id, reply, takeRequest);
        return;
      case "operator":
        await authenticateOperator(request, ports.database);
        return;
      case "anyone":
      case undefined:
        return;
    }
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    if (reply.statusCode === 401) void reply.header("www-authenticate", "Bearer");
    // The rest of a refused body is not waited for: the connection goes with it.
    if (reply.statusCode >= 400 && !request.raw.complete) void reply.header("connection", "close");
    done(null, payload);
  });
}

function countRequest(keyId: string, reply: FastifyReply, takeRequest: TakeRequest): void {
  const rate = takeRequest(keyId);
  void reply
    .header("x-ratelimit-limit", String(rate.limit))
    .header("x-ratelimit-remaining", String(rate.remaining))
    .header("x-ratelimit-reset", String(Math.ceil(rate.resetsAt / 1000)));
  if (rate.isAllowed) return;
  throw new AppError("rate_limit_exceeded", {
    message: `More than ${rate.limit} requests in a minute. Wait ${rate.retryAfterSeconds} seconds.`,
    retryAfterSeconds: rate.retryAfterSeconds,
  });
}
