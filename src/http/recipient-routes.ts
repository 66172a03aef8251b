// A campaign's recipients: the list, and one with every call so far (Carillon's own). For whoever
// still waits: which rule holds it back now, and until when.

import { AppError } from "../domain/app-error.ts";
import { VOICE_ALIVE_MS } from "../domain/claim-plan.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { listRecipientCalls } from "../store/recipient-evidence.ts";
import {
  findRecipient,
  listRecipients,
  readDialHoldFacts,
  type SharedHoldFacts,
} from "../store/recipient-list.ts";
import { CampaignParams, RecipientList, RecipientListQuery } from "./contract/campaign.ts";
import { RecipientDetail, RecipientParams } from "./contract/recipient.ts";
import { ownCampaign } from "./own-campaign.ts";
import { presentRecipient } from "./present-campaign.ts";
import { presentRecipientCall } from "./present-recipient-call.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

const DAY_MS = 86_400_000;
// More calls to one person than any retry policy makes; more events than any call has.
const BOUNDS = { maxCalls: 50, maxEvents: 200 };

export function addRecipientRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addRecipientList(app, dependencies);
  addRecipient(app, dependencies);
}

function addRecipientList(app: RouteApp, { database, clock }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/calls/batch/:campaign_id/recipients",
    config: { access: "key" },
    schema: {
      tags: ["Campaigns"],
      summary: "List a campaign's recipients, in the list's order",
      description: "For everyone who still waits: which rule holds them back now, and until when.",
      operationId: "listRecipients",
      params: CampaignParams,
      querystring: RecipientListQuery,
      response: { 200: RecipientList, ...errorAnswers(400, 404) },
    },
    handler: async (request) => {
      const { state, limit, offset } = request.query;
      const campaign = await ownCampaign(database, keyOf(request).id, request.params.campaign_id);
      const rows = await listRecipients(database, campaign.id, {
        state: state ?? null,
        limit,
        offset,
      });
      const now = clock.now();
      const shared = await sharedHoldFacts(database, campaign.id, now);
      const recipients = rows.map((row) => presentRecipient(row, campaign, shared, now));
      return { recipients, count: recipients.length, limit, offset };
    },
  });
}

function addRecipient(app: RouteApp, { database, clock }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/calls/batch/:campaign_id/recipients/:row",
    config: { access: "key" },
    schema: {
      tags: ["Campaigns"],
      summary: "Get one recipient with every call so far",
      description:
        "Each call with what happened to it, event by event; and which rule holds the recipient back now, and until when.",
      operationId: "getRecipient",
      params: RecipientParams,
      response: { 200: RecipientDetail, ...errorAnswers(400, 404) },
    },
    handler: async (request) => {
      const { campaign_id, row } = request.params;
      const campaign = await ownCampaign(database, keyOf(request).id, campaign_id);
      const recipient = await findRecipient(database, campaign.id, row);
      if (recipient === null) throw recipientNotFound(row);
      const place = { campaignId: campaign.id, rowIndex: row };
      const calls = await listRecipientCalls(database, place, BOUNDS);
      const now = clock.now();
      const shared = await sharedHoldFacts(database, campaign.id, now);
      return {
        ...presentRecipient(recipient, campaign, shared, now),
        calls: calls.map(presentRecipientCall),
      };
    },
  });
}

/** What holds back all recipients of a campaign alike; null when it has just vanished. */
export function sharedHoldFacts(
  db: Queryable,
  campaignId: string,
  now: Instant,
): Promise<SharedHoldFacts | null> {
  const times = { now, aliveSince: now - VOICE_ALIVE_MS, dayStart: now - DAY_MS };
  return readDialHoldFacts(db, campaignId, times);
}

function recipientNotFound(row: number): AppError {
  const message = `The campaign's list has no row ${row}; rows count from 0.`;
  return new AppError("recipient_not_found", { message, details: { field: "row", row } });
}
