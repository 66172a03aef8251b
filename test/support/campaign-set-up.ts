// A key, an agent, a number and a campaign on a running server, made over its API.

import {
  DEFAULT_ACCOUNT_SID,
  DEFAULT_AUTH_TOKEN,
} from "../../src/simulator/carrier-model/default-account.ts";
import type { Campaign } from "../../src/http/contract/campaign.ts";
import type { ServerProcess } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";

export const FROM_NUMBER = "+12025550100";

/** The simulator's account for these campaigns. */
export function accountWith(callsPerSecond: number) {
  return {
    account_sid: DEFAULT_ACCOUNT_SID,
    auth_token: DEFAULT_AUTH_TOKEN,
    cps: callsPerSecond,
    numbers: [{ phone_number: FROM_NUMBER }],
  };
}

export interface Tenant {
  readonly bearer: string;
  readonly agentId: string;
}

export async function makeTenant(
  server: ServerProcess,
  limits: { readonly concurrentCalls: number; readonly callsPerSecond: number },
): Promise<Tenant> {
  const key = await server.ask<{ key_id: string; key_secret: string }>("POST", "/v1/keys", {
    concurrent_call_limit: limits.concurrentCalls,
  });
  const bearer = `${key.body.key_id}:${key.body.key_secret}`;
  const agentFields = { name: "Sarah", language: "en", timezone: "America/New_York" };
  const agent = await server.ask<{ agent_id: string }>("POST", "/v1/agents", agentFields, bearer);
  const agentId = agent.body.agent_id;
  const number = {
    phone_number: FROM_NUMBER,
    agent_id: agentId,
    twilio_sid: DEFAULT_ACCOUNT_SID,
    twilio_token: DEFAULT_AUTH_TOKEN,
    calls_per_second: limits.callsPerSecond,
  };
  const imported = await server.ask("POST", "/v1/phone-numbers", number, bearer);
  if (imported.status !== 201) throw new Error(JSON.stringify(imported.body));
  return { bearer, agentId };
}

/** Phones that ring nobody: +1 NPA 555-01xx. */
export function testPhones(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `+1${212 + Math.floor(index / 100)}55501${String(index % 100).padStart(2, "0")}`,
  );
}

export async function createCampaign(
  server: ServerProcess,
  tenant: Tenant,
  phones: readonly string[],
  fields: object = {},
): Promise<string> {
  const body = {
    agent_id: tenant.agentId,
    prompt: "Remind the patient of their appointment.",
    recipients: phones.map((phone) => ({ phone })),
    ...fields,
  };
  const path = "/v1/calls/batch";
  const created = await server.ask<{ campaign_id: string }>("POST", path, body, tenant.bearer);
  if (created.status !== 201) throw new Error(JSON.stringify(created.body));
  return created.body.campaign_id;
}

export async function readCampaign(
  server: ServerProcess,
  tenant: Tenant,
  campaignId: string,
): Promise<Campaign> {
  const path = `/v1/calls/batch/${campaignId}`;
  return (await server.ask<Campaign>("GET", path, undefined, tenant.bearer)).body;
}

// A look at the API every now and then: far below a key's rate limit, which would hide the end.
export const API_POLL_MS = 500;
// Three looks at the carrier's list for one request without an answer take 150 s; a machine under
// load may leave one behind twice.
const COMPLETE_TIMEOUT_MS = 420_000;

/** Waits until the campaign is completed, and answers it. Says what it saw if it never is. */
export function waitUntilCompleted(
  server: ServerProcess,
  tenant: Tenant,
  campaignId: string,
): Promise<Campaign> {
  let last: Campaign | null = null;
  return waitFor(
    async () => {
      last = await readCampaign(server, tenant, campaignId);
      return last.status === "completed" ? last : null;
    },
    {
      timeoutMs: COMPLETE_TIMEOUT_MS,
      pollMs: API_POLL_MS,
      describe: () => `the campaign to complete; last seen: ${JSON.stringify(last)}`,
    },
  );
}
