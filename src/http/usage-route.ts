// GET /v1/usage (contract B.11).

import type { Instant } from "../domain/instant.ts";
import { readUsage } from "../store/usage.ts";
import { Usage } from "./contract/usage.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addUsageRoute(app: RouteApp, dependencies: HttpDependencies): void {
  const { database, clock, settings } = dependencies;
  app.route({
    method: "GET",
    url: "/v1/usage",
    config: { access: "key" },
    schema: {
      tags: ["Usage and health"],
      summary: "What the key has used",
      operationId: "getUsage",
      response: { 200: Usage, ...errorAnswers() },
    },
    handler: async (request) => {
      const key = keyOf(request);
      const usage = await readUsage(database, key.id, startOfMonth(clock.now()));
      return {
        plan: "self_hosted",
        total_calls: usage.totalCalls,
        total_minutes: usage.totalSeconds / 60,
        total_cost: 0,
        rate_limit_per_minute: settings.rateLimitPerMinute,
        max_concurrent: key.concurrentCallLimit,
        peak_concurrent_this_month: usage.peakConcurrent,
        rejected_at_cap_this_month: 0,
      };
    },
  });
}

function startOfMonth(now: Instant): Instant {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}
