// Campaigns: list, one; launch, pause, resume, cancel (contract B.3; DESIGN §5).
// The verbs are the engine's.

import { AppError } from "../domain/app-error.ts";
import { listCampaigns, readCampaignProgress } from "../store/campaign-list.ts";
import {
  Campaign,
  CampaignList,
  CampaignListQuery,
  CampaignParams,
  CampaignVerbAnswer,
  CancelRequest,
  LaunchRequest,
  NoFields,
} from "./contract/campaign.ts";
import { campaignNotFound, ownCampaign } from "./own-campaign.ts";
import { presentCampaign, presentCampaignSummary } from "./present-campaign.ts";
import { sharedHoldFacts } from "./recipient-routes.ts";
import { requireModel } from "./require-model.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { CampaignVerbResult } from "../engine/campaign-verbs.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addCampaignRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addLists(app, dependencies);
  addGet(app, dependencies);
  addLaunchAndCancel(app, dependencies);
  addPauseAndResume(app, dependencies);
}

function addLists(app: RouteApp, { database }: HttpDependencies): void {
  const paths = [
    { url: "/v1/calls/batch", operationId: "listBatches", summary: "List campaigns, newest first" },
    {
      url: "/v1/campaigns",
      operationId: "listCampaigns",
      summary: "The same list under its other name",
    },
  ];
  for (const { url, operationId, summary } of paths) {
    app.route({
      method: "GET",
      url,
      config: { access: "key" },
      schema: {
        tags: ["Campaigns"],
        summary,
        operationId,
        querystring: CampaignListQuery,
        response: { 200: CampaignList, ...errorAnswers(400) },
      },
      handler: async (request) => {
        const { status, limit, offset } = request.query;
        const page = { status: status ?? null, limit, offset };
        const rows = await listCampaigns(database, keyOf(request).id, page);
        return { campaigns: rows.map(presentCampaignSummary), count: rows.length };
      },
    });
  }
}

function addGet(app: RouteApp, { database, clock }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/calls/batch/:campaign_id",
    config: { access: "key" },
    schema: {
      tags: ["Campaigns"],
      summary: "Get a campaign with its counts",
      operationId: "getBatch",
      params: CampaignParams,
      response: { 200: Campaign, ...errorAnswers(404) },
    },
    handler: async (request) => {
      return showCampaign({ database, clock }, keyOf(request).id, request.params.campaign_id);
    },
  });
}

function addLaunchAndCancel(app: RouteApp, dependencies: HttpDependencies): void {
  const { campaignVerbs, engine, model } = dependencies;
  app.route({
    method: "POST",
    url: "/v1/calls/batch/:campaign_id/launch",
    config: { access: "key" },
    schema: {
      tags: ["Campaigns"],
      summary: "Start a scheduled or paused campaign now",
      description:
        "Overrides the scheduled date, and the calling window until the next local midnight unless respect_window is true. A running campaign is left as it is.",
      operationId: "launchBatch",
      params: CampaignParams,
      body: LaunchRequest,
      response: { 200: CampaignVerbAnswer, ...errorAnswers(400, 404, 409) },
    },
    handler: async (request) => {
      requireModel(model);
      const options = { respectWindow: request.body.respect_window };
      const { campaign_id } = request.params;
      const result = await campaignVerbs.launch(keyOf(request).id, campaign_id, options);
      engine.wake();
      return presentVerb(result);
    },
  });
  app.route({
    method: "POST",
    url: "/v1/calls/batch/:campaign_id/cancel",
    config: { access: "key" },
    schema: {
      tags: ["Campaigns"],
      summary: "Cancel a campaign",
      description: "Nobody else is called. Live calls go on unless hang_up is true.",
      operationId: "cancelBatch",
      params: CampaignParams,
      body: CancelRequest,
      response: { 200: CampaignVerbAnswer, ...errorAnswers(400, 404, 409) },
    },
    handler: async (request) => {
      const options = { hangUp: request.body.hang_up };
      const { campaign_id } = request.params;
      const result = await campaignVerbs.cancel(keyOf(request).id, campaign_id, options);
      engine.wake();
      return presentVerb(result);
    },
  });
}

function addPauseAndResume(app: RouteApp, { campaignVerbs, engine }: HttpDependencies): void {
  const verbs = [
    {
      verb: "pause",
      summary: "Pause a campaign",
      description: "Nobody else is called until it is resumed. Calls that ring or talk go on.",
    },
    {
      verb: "resume",
      summary: "Resume a paused campaign",
      description:
        "Goes on where it stopped, inside its window. One that had not started is scheduled again.",
    },
  ] as const;
  for (const { verb, summary, description } of verbs) {
    app.route({
      method: "POST",
      url: `/v1/calls/batch/:campaign_id/${verb}`,
      config: { access: "key" },
      schema: {
        tags: ["Campaigns"],
        summary,
        description,
        operationId: `${verb}Batch`,
        params: CampaignParams,
        body: NoFields,
        response: { 200: CampaignVerbAnswer, ...errorAnswers(400, 404, 409) },
      },
      handler: async (request) => {
        const result = await campaignVerbs[verb](keyOf(request).id, request.params.campaign_id);
        engine.wake();
        return presentVerb(result);
      },
    });
  }
}

function presentVerb(result: CampaignVerbResult): CampaignVerbAnswer {
  switch (result.kind) {
    case "done":
      return {
        campaign_id: result.campaign.id,
        status: result.campaign.status,
        recipients_count: result.campaign.recipientsCount,
        queued_count: result.campaign.queuedCount,
      };
    case "not_found":
      throw campaignNotFound();
    case "refused":
      throw new AppError(result.code, { message: result.message });
  }
}

/** @throws AppError `campaign_not_found` */
export async function showCampaign(
  { database, clock }: Pick<HttpDependencies, "database" | "clock">,
  keyId: string,
  campaignId: string,
): Promise<Campaign> {
  const campaign = await ownCampaign(database, keyId, campaignId);
  const progress = await readCampaignProgress(database, campaign.id);
  const now = clock.now();
  const shared = await sharedHoldFacts(database, campaign.id, now);
  return presentCampaign(campaign, progress, shared, now);
}
