// A campaign of the key that asks. Another key's is as good as none.

import { AppError } from "../domain/app-error.ts";
import type { Queryable } from "../ports/database.ts";
import { findCampaign, type CampaignRow } from "../store/campaign-list.ts";

/** @throws AppError `campaign_not_found`. */
export async function ownCampaign(
  database: Queryable,
  keyId: string,
  campaignId: string,
): Promise<CampaignRow> {
  const campaign = await findCampaign(database, keyId, campaignId);
  if (campaign === null) throw campaignNotFound();
  return campaign;
}

export function campaignNotFound(): AppError {
  return new AppError("campaign_not_found", { message: "There is no such campaign." });
}
