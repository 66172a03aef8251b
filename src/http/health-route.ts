// GET /v1/health: 200 while this process can answer requests, also when it is degraded; 503 while
// it cannot. A load balancer that took a degraded process away would lose callbacks of live calls.

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
      description:
        "200 when it is ready or degraded: it answers requests and callbacks. 503 when it is unavailable.",
      operationId: "getHealth",
      response: { 200: Health, 503: Health },
    },
    handler: async (_request, reply) => {
      const health = await dependencies.health();
      return reply.code(health.status === "unavailable" ? 503 : 200).send(health);
    },
  });
}
