// PATCH of a campaign: what may be changed while it is scheduled, running or paused.

import { AppError } from "../domain/app-error.ts";
import { editCampaign, type CampaignEdit } from "../engine/campaign-edit.ts";
import { retryPolicyOf } from "./campaign-fields.ts";
import { showCampaign } from "./campaign-routes.ts";
import {
  Campaign,
  CampaignParams,
  EditCampaignRequest,
  editFieldCodes,
} from "./contract/campaign.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addCampaignEditRoute(app: RouteApp, dependencies: HttpDependencies): void {
  app.route({
    method: "PATCH",
    url: "/v1/calls/batch/:campaign_id",
    config: { access: "key", fieldCodes: editFieldCodes },
    schema: {
      tags: ["Campaigns"],
      summary: "Edit a campaign that is scheduled, running or paused",
      description:
        "Fields that are left out stay. Counts from the next dial on: a call that rings or talks keeps what it was dialed with.",
      operationId: "editBatch",
      params: CampaignParams,
      body: EditCampaignRequest,
      response: { 200: Campaign, ...errorAnswers(400, 404, 409) },
    },
    handler: async (request) => {
      const edit = editOf(request.body);
      if (Object.values(edit).every((value) => value === undefined)) {
        const message = `Send at least one of ${Object.keys(EditCampaignRequest.shape).join(", ")}.`;
        throw new AppError("missing_field", { message });
      }
      await editCampaign(dependencies, keyOf(request).id, request.params.campaign_id, edit);
      dependencies.engine.wake();
      return showCampaign(dependencies, keyOf(request).id, request.params.campaign_id);
    },
  });
}

function editOf(body: EditCampaignRequest): CampaignEdit {
  const { pacing_share, expires_at, retry, ...rest } = body;
  return {
    ...rest,
    pacingShare: pacing_share,
    expiresAt: typeof expires_at === "string" ? Date.parse(expires_at) : expires_at,
    retryPolicy: retry === undefined || retry === null ? retry : retryPolicyOf(retry),
  };
}
