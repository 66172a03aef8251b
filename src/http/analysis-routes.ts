// Analysing calls anew: after an agent's fields were changed, or when the model had failed.

import { AppError } from "../domain/app-error.ts";
import { requestAnalysis, requestCampaignAnalyses } from "../store/call-analyses.ts";
import { findCall } from "../store/call-list.ts";
import { findCampaign } from "../store/campaign-list.ts";
import { campaignNotFound } from "./own-campaign.ts";
import { CallParams, RequestedAnalyses, RequestedAnalysis } from "./contract/call.ts";
import { CampaignParams } from "./contract/campaign.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addAnalysisRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  const { database, clock, engine } = dependencies;
  app.route({
    method: "POST",
    url: "/v1/calls/:call_id/analyze",
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "Analyse a call anew",
      description: "With the agent's fields as they are now. The earlier results stay until then.",
      operationId: "analyzeCall",
      params: CallParams,
      response: { 200: RequestedAnalysis, ...errorAnswers(404, 409) },
    },
    handler: async (request) => {
      const { call_id } = request.params;
      const keyId = keyOf(request).id;
      if ((await findCall(database, keyId, call_id)) === null) {
        throw new AppError("call_not_found", { message: "There is no such call." });
      }
      if (!(await requestAnalysis(database, keyId, call_id, clock.now()))) {
        const message = "The call did not connect, or has not ended: nothing was said to analyse.";
        throw new AppError("call_not_analyzable", { message });
      }
      engine.wake();
      return { call_id, analysis_status: "pending" as const };
    },
  });
  app.route({
    method: "POST",
    url: "/v1/calls/batch/:campaign_id/analyze",
    config: { access: "key" },
    schema: {
      tags: ["Campaigns"],
      summary: "Analyse a campaign's connected calls anew",
      operationId: "analyzeCampaign",
      params: CampaignParams,
      response: { 200: RequestedAnalyses, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const { campaign_id } = request.params;
      const keyId = keyOf(request).id;
      if ((await findCampaign(database, keyId, campaign_id)) === null) {
        throw campaignNotFound();
      }
      const queued = await requestCampaignAnalyses(database, keyId, campaign_id, clock.now());
      engine.wake();
      return { campaign_id, calls_queued: queued };
    },
  });
}
