// The HTTP server. A request's life: id → access and rate limit (before the body is read) → body →
// aliases and unsafe values → schema → idempotency key → handler → answer stored → sent. Every
// error leaves through error-envelope.ts.

import fastify, { LogController, type FastifyInstance, type FastifyRequest } from "fastify";
import { serializerCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";

import { AppError } from "../domain/app-error.ts";
import { newRequestId } from "../domain/ids.ts";
import { addAccessHooks } from "./access-hooks.ts";
import { addBodyHooks } from "./body-hooks.ts";
import { addAppendRoutes } from "./append-routes.ts";
import { addAgentRoutes } from "./agent-routes.ts";
import { addAnalysisRoutes } from "./analysis-routes.ts";
import { addBatchRoutes } from "./batch-routes.ts";
import { addCallRoutes } from "./call-routes.ts";
import { addRecordingRoute } from "./recording-route.ts";
import { addCampaignEditRoute } from "./campaign-edit-route.ts";
import { addCampaignRoutes } from "./campaign-routes.ts";
import { addRecipientRoutes } from "./recipient-routes.ts";
import { answerClientError } from "./client-error.ts";
import { sendError } from "./error-envelope.ts";
import { addDeliveryRoutes } from "./delivery-routes.ts";
import { addErasureRoutes } from "./erasure-routes.ts";
import { addExportRoute } from "./export-route.ts";
import { addHealthRoute } from "./health-route.ts";
import { addIdempotencyHooks } from "./idempotency-hooks.ts";
import { addKeyExportRoute } from "./key-export-route.ts";
import { addKeyRoutes } from "./key-routes.ts";
import { limitConnections, MAX_CONNECTIONS } from "./connection-limit.ts";
import { createKnownPaths } from "./known-paths.ts";
import { addNumberRoutes } from "./number-routes.ts";
import { addNumberWebhookRoutes } from "./number-webhook-routes.ts";
import { registerOpenApi } from "./openapi.ts";
import { addOperatorRoutes } from "./operator-routes.ts";
import { addOutboundCallRoute } from "./outbound-call-route.ts";
import { validatorCompiler, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";
import { addSuppressionListRoutes } from "./suppression-list-routes.ts";
import { addSuppressionRoutes } from "./suppression-routes.ts";
import { addUncertainRoutes } from "./uncertain-routes.ts";
import { addUsageRoute } from "./usage-route.ts";
import { addWebhookSecretRoutes } from "./webhook-secret-routes.ts";

// 100,000 recipients over a line of 4 Mbit/s take about a minute; a body that dribbles in for
// longer is an attack.
const REQUEST_TIMEOUT_MS = 120_000;
// Headers fit into one packet; whoever needs longer has none to send.
const HEADERS_TIMEOUT_MS = 15_000;
// How often slow requests are looked for: the time-outs above are late by at most so much.
const SLOW_REQUEST_CHECK_MS = 5_000;
// A stop waits so long for requests under way; then whoever still sends, or does not read, is cut.
const MAX_CLOSE_MS = 10_000;
// Half a megabyte is ten times the largest agent. Batches have a limit of their own.
const MAX_BODY_BYTES = 512 * 1024;
// Ids and phones are far shorter.
const MAX_PARAM_LENGTH = 200;

/**
 * Builds the server, ready to listen. Closing it waits for requests under way, in bounded time.
 */
export function createHttpServer(dependencies: HttpDependencies): FastifyInstance {
  const { settings } = dependencies;
  const app = fastify({
    loggerInstance: dependencies.log,
    // One line per answer, written below, without the paths that hold phone numbers.
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: false,
    genReqId: () => newRequestId(dependencies.random),
    bodyLimit: Math.min(MAX_BODY_BYTES, settings.maxBodyBytes),
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: SLOW_REQUEST_CHECK_MS,
    },
    forceCloseConnections: "idle",
    // What arrives on an open connection while the server closes is answered, and its connection
    // closed: everything it needs outlives the server. Fastify's own answer is no envelope.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
    trustProxy: settings.trustProxy ?? false,
    frameworkErrors: (error, request, reply) => {
      void reply.header("x-request-id", request.id).header("x-railway-request-id", request.id);
      void sendError(error, request, reply, settings.publicUrl);
    },
    clientErrorHandler: (error, socket) => {
      answerClientError(error, socket, settings.publicUrl);
    },
  });
  limitConnections(app.server, MAX_CONNECTIONS);
  closeInBoundedTime(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) =>
    sendError(error, request, reply, settings.publicUrl),
  );
  answerUnknownPaths(app, settings.publicUrl);
  addAccessHooks(app, dependencies);
  addBodyHooks(app);
  addIdempotencyHooks(app, dependencies);
  logAnswers(app);
  registerOpenApi(app, { publicUrl: settings.publicUrl, version: dependencies.version });
  for (const extension of dependencies.extensions ?? []) void app.register(extension);
  void app.register((scope) => {
    addRoutes(scope.withTypeProvider<ZodTypeProvider>(), dependencies);
    return Promise.resolve();
  });
  return app;
}

// Node stops looking for slow requests once a server closes.
function closeInBoundedTime(app: FastifyInstance): void {
  app.addHook("preClose", (done) => {
    const cut = setTimeout(() => app.server.closeAllConnections(), MAX_CLOSE_MS);
    app.server.once("close", () => clearTimeout(cut));
    done();
  });
}

function addRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addHealthRoute(app, dependencies);
  addKeyRoutes(app, dependencies);
  addOperatorRoutes(app, dependencies);
  addAgentRoutes(app, dependencies);
  addNumberRoutes(app, dependencies);
  addNumberWebhookRoutes(app, dependencies);
  addSuppressionRoutes(app, dependencies);
  addSuppressionListRoutes(app, dependencies);
  addUsageRoute(app, dependencies);
  addBatchRoutes(app, dependencies);
  addCampaignRoutes(app, dependencies);
  addRecipientRoutes(app, dependencies);
  addCampaignEditRoute(app, dependencies);
  addAppendRoutes(app, dependencies);
  addOutboundCallRoute(app, dependencies);
  addCallRoutes(app, dependencies);
  addUncertainRoutes(app, dependencies);
  addRecordingRoute(app, dependencies);
  addAnalysisRoutes(app, dependencies);
  addExportRoute(app, dependencies);
  addKeyExportRoute(app, dependencies);
  addErasureRoutes(app, dependencies);
  addWebhookSecretRoutes(app, dependencies);
  addDeliveryRoutes(app, dependencies);
}

function answerUnknownPaths(app: FastifyInstance, publicUrl: string): void {
  const paths = createKnownPaths();
  app.addHook("onRoute", (route) => {
    paths.add(route.url, Array.isArray(route.method) ? route.method : [route.method]);
    if (route.url.startsWith("/v1") && route.config?.access === undefined) {
      throw new Error(`${route.url} does not say who may use it`);
    }
  });
  app.setNotFoundHandler((request, reply) => {
    const methods = paths.methodsOf(request.url.split("?", 1)[0] ?? "");
    if (methods.length === 0) {
      const message = `There is nothing at ${request.method} of this path. /docs lists what there is.`;
      return sendError(new AppError("not_found", { message }), request, reply, publicUrl);
    }
    void reply.header("allow", methods.join(", "));
    const message = `This path knows ${methods.join(", ")}, not ${request.method}.`;
    return sendError(new AppError("method_not_allowed", { message }), request, reply, publicUrl);
  });
}

// One line per answer. The route's pattern, never the path: paths hold phone numbers.
function logAnswers(app: FastifyInstance): void {
  app.addHook("onResponse", (request: FastifyRequest, reply, done) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
        keyId: request.apiKey?.id ?? null,
      },
      "answered",
    );
    done();
  });
}
