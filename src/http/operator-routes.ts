// The operator's emergency stop. Once a stop has committed, the gate lets no call of any key out;
// live calls go on.

import {
  readDialingStop,
  resumeDialing,
  stopDialing,
  type DialingStop,
} from "../store/installation.ts";
import { DialingStatus, StopRequest } from "./contract/operator.ts";
import { isoTimeOrNull } from "./iso-time.ts";
import { errorAnswers, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addOperatorRoutes(
  app: RouteApp,
  { database, clock, engine }: Pick<HttpDependencies, "database" | "clock" | "engine">,
): void {
  app.route({
    method: "POST",
    url: "/v1/operator/stop",
    config: { access: "operator" },
    schema: {
      tags: ["Operator"],
      summary: "Stop all dialing",
      description:
        "For every key, from its answer on. Calls that ring or talk go on. Saying it again changes nothing.",
      operationId: "stopDialing",
      body: StopRequest,
      response: { 200: DialingStatus, ...errorAnswers(400, 403) },
    },
    handler: async (request) => {
      const stop = await stopDialing(database, clock.now(), request.body.reason ?? null);
      engine.wake();
      return presentStop(stop);
    },
  });
  app.route({
    method: "POST",
    url: "/v1/operator/resume",
    config: { access: "operator" },
    schema: {
      tags: ["Operator"],
      summary: "Allow dialing again",
      operationId: "resumeDialing",
      response: { 200: DialingStatus, ...errorAnswers(403) },
    },
    handler: async () => {
      await resumeDialing(database);
      engine.wake();
      return presentStop({ stoppedAt: null, reason: null });
    },
  });
  app.route({
    method: "GET",
    url: "/v1/operator/status",
    config: { access: "operator" },
    schema: {
      tags: ["Operator"],
      summary: "Whether dialing is stopped",
      operationId: "getDialingStatus",
      response: { 200: DialingStatus, ...errorAnswers(403) },
    },
    handler: async () => presentStop(await readDialingStop(database)),
  });
}

function presentStop(stop: DialingStop): DialingStatus {
  return {
    dialing: stop.stoppedAt === null ? "running" : "stopped",
    stopped_at: isoTimeOrNull(stop.stoppedAt),
    reason: stop.reason,
  };
}
