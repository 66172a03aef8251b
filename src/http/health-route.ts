// GET /v1/health: 200 once this process can work, 503 while it cannot.

import { Health } from "./contract/health.ts";
import type { RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addHealthRoute(
  app: RouteApp,
  dependencies: Pick<HttpDependencies, "health">,
): void {
  app.route({
    method: "GET",
    url: "/v1/health",
    config: { access: "anyone" },
    schema: {
      tags: ["Usage and health"],
      summary: "Whether the server can work",
      operationId: "getHealth",
      response: { 200: Health, 503: Health },
    },
    handler: async (_request, reply) => {
      const health = await dependencies.health();
      return reply.code(health.status === "ok" ? 200 : 503).send(health);
    },
  });
}
