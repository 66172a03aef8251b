// The API's description (OpenAPI 3.1, made from the schemas that guard the routes) at
// /openapi.json, to browse at /docs, and the page of error codes. All of it is served from here: it
// works without the internet.

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";

import { errorDocsPage } from "./error-docs.ts";
import { polishOpenApi, type OpenApiDocument } from "./openapi-polish.ts";
import type { RouteAccess } from "./route-config.ts";

const TAGS = [
  { name: "Campaigns", description: "One request queues many calls under one campaign id." },
  { name: "Calls", description: "Single outbound calls, and reading and deleting calls." },
  { name: "Agents", description: "Who speaks: prompt, voice, behaviour." },
  {
    name: "Phone numbers",
    description: "Numbers to call from, imported from your carrier account.",
  },
  {
    name: "Suppressions",
    description:
      "Phones that must not be called: by the key that asks, or, with the operator's token, by any key.",
  },
  { name: "Webhooks", description: "What your webhooks were told: log, replay, signing secret." },
  { name: "Keys", description: "API keys. Each is a tenant of its own." },
  { name: "Operator", description: "The emergency stop over all keys." },
  { name: "Usage and health" },
];

const SECURITY: Readonly<Record<RouteAccess, readonly Record<string, string[]>[]>> = {
  key: [{ apiKey: [] }],
  operator: [{ operatorToken: [] }],
  key_or_operator: [{ apiKey: [] }, { operatorToken: [] }],
  anyone: [],
};

// Swagger UI styles its elements inline; everything else comes from this server.
const DOCS_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'";

/** Registers description and pages. Must come before the routes it describes. */
export function registerOpenApi(
  app: FastifyInstance,
  options: { readonly publicUrl: string; readonly version: string },
): void {
  void app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Carillon",
        version: options.version,
        description:
          "Self-hosted engine for AI phone campaigns. Every answer carries `x-request-id`; every authenticated one " +
          "`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`. POST, PUT, PATCH and DELETE accept " +
          "`Idempotency-Key` (24 hours, per key). Texts must not hold NUL characters; values nest at most 16 levels.",
      },
      servers: [{ url: options.publicUrl }],
      tags: TAGS,
      components: {
        securitySchemes: {
          apiKey: {
            type: "http",
            scheme: "bearer",
            description: "`Authorization: Bearer KEY_ID:KEY_SECRET`",
          },
          operatorToken: {
            type: "http",
            scheme: "bearer",
            description: "`Authorization: Bearer OPERATOR_TOKEN`, printed by the first start.",
          },
        },
      },
    },
    hideUntagged: true,
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform(document);
      const access = document.route.config?.access ?? "anyone";
      return { schema: { ...schema, security: SECURITY[access] }, url };
    },
    transformObject: (document) => {
      const described = jsonSchemaTransformObject(document);
      polishOpenApi(described as OpenApiDocument);
      return described;
    },
  });
  app.get("/docs/errors", (_request, reply) =>
    reply
      .header("content-security-policy", DOCS_POLICY)
      .type("text/html; charset=utf-8")
      .send(errorDocsPage()),
  );
  void app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: DOCS_POLICY,
    // The default asks a public service whether the description is valid.
    uiConfig: { validatorUrl: null, docExpansion: "list", persistAuthorization: true },
  });
  app.get("/openapi.json", (_request, reply) => reply.send(app.swagger()));
}
