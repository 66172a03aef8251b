// The user of the servers under torture: makes campaigns with an Idempotency-Key and asks again
// until it is answered, looks at them now and then, and holds the API to its word: 503 says when to
// come back, and nothing else of the server's own fault is ever answered.

import type { Campaign } from "../../src/http/contract/campaign.ts";
import type { Tenant } from "../support/campaign-set-up.ts";
import { waitFor } from "../support/wait-for.ts";
import type { Fleet } from "./fleet.ts";

const REQUEST_TIMEOUT_MS = 60_000;
const RETRY_MS = 500;
const PATIENCE_MS = 600_000;

export interface TortureClient {
  /** Makes a campaign for these phones, whatever goes wrong meanwhile. */
  createCampaign(phones: readonly string[]): Promise<string>;
  /** Null when it was not answered this time. */
  readCampaign(id: string): Promise<Campaign | null>;
  /** Answers by status, and what the API promised and did not keep. */
  readonly answers: Map<number, number>;
  readonly broken: string[];
}

export function createTortureClient(fleet: Fleet, tenant: Tenant): TortureClient {
  const answers = new Map<number, number>();
  const broken: string[] = [];
  let turn = 0;

  const ask = async <T>(
    method: string,
    path: string,
    body?: unknown,
    idempotencyKey?: string,
  ): Promise<{ readonly status: number; readonly body: T } | null> => {
    const up = fleet.members.flatMap(({ server }) => (server === null ? [] : [server]));
    turn += 1;
    const server = up[turn % Math.max(1, up.length)];
    if (server === undefined) return null;
    try {
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${tenant.bearer}`,
          "content-type": "application/json",
          ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await response.text();
      const { status } = response;
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status === 503 && response.headers.get("retry-after") === null)
        broken.push(`${method} ${path}: 503 without Retry-After: ${text}`);
      if (status >= 500 && status !== 503) broken.push(`${method} ${path}: ${status} ${text}`);
      return { status, body: JSON.parse(text) as T };
    } catch {
      // Killed, stopped or cut while it answered.
      return null;
    }
  };

  return {
    answers,
    broken,
    createCampaign: (phones) => {
      const body = {
        agent_id: tenant.agentId,
        prompt: "Remind the patient of their appointment.",
        recipients: phones.map((phone) => ({ phone })),
        skip_invalid: true,
      };
      const key = `torture-${phones[0] ?? ""}`;
      return waitFor(
        async () => {
          const answer = await ask<{ campaign_id?: string }>("POST", "/v1/calls/batch", body, key);
          if (
            answer !== null &&
            answer.status < 500 &&
            answer.status > 299 &&
            answer.status !== 409
          )
            throw new Error(`a campaign was refused: ${JSON.stringify(answer.body)}`);
          return answer?.body.campaign_id;
        },
        { timeoutMs: PATIENCE_MS, pollMs: RETRY_MS, describe: "a campaign to be created" },
      );
    },
    readCampaign: async (id) => {
      const answer = await ask<Campaign>("GET", `/v1/calls/batch/${id}`);
      return answer?.status === 200 ? answer.body : null;
    },
  };
}
