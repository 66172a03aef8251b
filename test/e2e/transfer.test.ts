// A person asks for a human whose phone nobody picks up, through the whole product and the
// carrier's wire: they are told so, and the call's evidence says it.

import { expect, onTestFinished, test } from "vitest";
import type { Call } from "../../src/http/contract/call.ts";
import { createCampaign, makeTenant, waitUntilCompleted } from "../support/campaign-set-up.ts";
import { startCarrier, startServerOn } from "../support/race-set-up.ts";
import { createTestDatabase } from "../support/test-database.ts";

const PHONE = "+12125550101";
const COLLEAGUE = "+12125550190";

test(
  "whoever is handed over to a phone that nobody picks up hears so in the agent's language",
  { timeout: 120_000 },
  async () => {
    const { db, drop } = await createTestDatabase();
    onTestFinished(drop);
    const simulator = await startCarrier(10, {
      speed: 10,
      people: { [PHONE]: "asks_for_human", [COLLEAGUE]: "no_answer" },
    });
    const server = await startServerOn(simulator, db, {});
    const tenant = await makeTenant(server, { concurrentCalls: 2, callsPerSecond: 2 });
    const ask = <T>(method: string, path: string, body?: unknown) =>
      server.ask<T>(method, path, body, tenant.bearer);
    const settings = { transfer_number: COLLEAGUE, language: "en-GB" };
    await ask("PUT", `/v1/agents/${tenant.agentId}`, settings);
    const campaignId = await createCampaign(server, tenant, [PHONE]);
    await waitUntilCompleted(server, tenant, campaignId);

    const [call] = (await ask<Call[]>("GET", `/v1/calls?campaign_id=${campaignId}`)).body;
    expect(call?.ended_reason).toBe("transferred");
    const evidence = await ask("GET", `/v1/calls/batch/${campaignId}/recipients/0`);
    expect(JSON.stringify(evidence.body)).toMatch(/transfer_ended.+no-answer/);
    const { calls } = (await (await fetch(`${simulator.url}/simulator/calls`)).json()) as any;
    const heard = calls.flatMap((one: any) => one.transcript).map((line: any) => line.text);
    expect(heard.at(-1)).toBe("I am sorry, nobody can take your call at the moment. Goodbye.");
  },
);
