// A call that is recorded and whose agent asks a tool of its user's, through the whole product: one
// process that dials and answers the API, one that only talks, the carrier's wire and real sockets.

import { Webhook } from "standardwebhooks";
import { expect, onTestFinished, test } from "vitest";
import type { Call } from "../../src/http/contract/call.ts";
import {
  API_POLL_MS,
  createCampaign,
  makeTenant,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startServerOn } from "../support/race-set-up.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";
import { webhookReceiver } from "../support/webhook-receiver.ts";

const PHONE = "+12125550101";

async function startProduct() {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const simulator = await startCarrier(10, {
    speed: 5,
    // "Wait, one more thing. Where can I park?"
    people: { [PHONE]: "speaks_over_end" },
  });
  const local = { CARILLON_ALLOW_LOCAL_URLS: "true" };
  const voice = await startServerOn(simulator, db, { ...local, CARILLON_ROLES: "voice" });
  // The carrier's callbacks and sockets go to the process that talks.
  const server = await startServerOn(simulator, db, {
    ...local,
    CARILLON_ROLES: "api,dialer,jobs",
    CARILLON_PUBLIC_URL: voice.url,
  });
  return { simulator, server };
}

test(
  "a person asks, the agent's tool answers, and the recording is heard until it is erased",
  { timeout: 180_000 },
  async () => {
    const { simulator, server } = await startProduct();
    const tool = await webhookReceiver();
    tool.answer('{"garage":"behind the house"}');
    const tenant = await makeTenant(server, { concurrentCalls: 2, callsPerSecond: 2 });
    const ask = <T>(method: string, path: string, body?: unknown) =>
      server.ask<T>(method, path, body, tenant.bearer);
    const changed = await ask("PUT", `/v1/agents/${tenant.agentId}`, {
      record_call: true,
      business_name: "Harbor Clinic",
      tools: [
        {
          name: "where_to_park",
          description: "Where visitors of the clinic can park.",
          parameters: { type: "object", properties: { question: { type: "string" } } },
          url: tool.url,
          headers: { "x-clinic": "secret-of-the-clinic" },
        },
      ],
    });
    expect(changed.status, JSON.stringify(changed.body)).toBe(200);
    expect(JSON.stringify(changed.body)).not.toContain("secret-of-the-clinic");
    const secret = await ask<{ secret: string }>("GET", "/v1/webhooks/secret");
    const campaignId = await createCampaign(server, tenant, [PHONE]);
    await waitUntilCompleted(server, tenant, campaignId);
    const [call] = (await ask<Call[]>("GET", `/v1/calls?campaign_id=${campaignId}`)).body;
    if (call === undefined) throw new Error("there is no call");

    // The tool was asked by the process that talks, signed with the key's secret.
    const [request] = tool.received;
    expect(request?.payload).toMatchObject({ event: "tool.call", call_id: call.call_id });
    expect(request?.headers["x-clinic"]).toBe("secret-of-the-clinic");
    new Webhook(secret.body.secret).verify(
      request?.body ?? "",
      request?.headers as Record<string, string>,
    );
    expect(call.tool_calls).toMatchObject([{ name: "where_to_park", outcome: "ok" }]);
    expect(call.transcript).toContain("behind the house");
    expect(call.transcript).toContain("This call is recorded.");

    const path = `/v1/calls/${call.call_id}/recording`;
    expect(call.recording_url).toMatch(new RegExp(`^http.*${path}$`));
    const heard = await waitFor(
      async () => {
        const answer = await fetch(server.url + path, {
          headers: { authorization: `Bearer ${tenant.bearer}` },
        });
        const body = Buffer.from(await answer.arrayBuffer());
        return answer.status === 200 ? { answer, body } : null;
      },
      { timeoutMs: 90_000, pollMs: API_POLL_MS, describe: "the recording" },
    );
    expect(heard.answer.headers.get("content-type")).toBe("audio/x-wav");
    expect(heard.body.toString("latin1", 0, 4)).toBe("RIFF");

    expect((await ask("POST", "/v1/erasures", { phone: PHONE })).status).toBe(202);
    const receipts = () => ask<{ erasures: any[] }>("GET", "/v1/erasures");
    const receipt = await waitFor(
      async () => (await receipts()).body.erasures.find(({ status }) => status === "done"),
      { timeoutMs: 60_000, pollMs: API_POLL_MS, describe: "the receipt" },
    );
    expect(receipt).toMatchObject({ counts: { recordings: 1 } });
    const { calls } = (await (await fetch(`${simulator.url}/simulator/calls`)).json()) as any;
    const recordings = calls.flatMap((one: any) => one.recordings);
    expect(recordings).toMatchObject([{ is_deleted: true }]);
    expect((await ask("GET", path)).status).toBe(404);
  },
);
