// For every operation one request that succeeds, made anew each time with what it needs. Most come
// from the description's own example and the asker's ids; those listed here need something of their
// own, because they use it up or the example is not enough.

import type { Database } from "../../../src/ports/database.ts";
import { ACCOUNT, nextPhone, TOKEN, type Tenant, type TestServer } from "../test-server.ts";
import type { DescribedApi, Operation } from "./described-api.ts";
import { makeEndedCall, type Possessions } from "./possessions.ts";

export interface SoundRequest {
  /** By the names in the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string;
  /** undefined: none. */
  readonly body: unknown;
  /** Asks with these credentials instead of the usual ones. */
  readonly authorization?: string;
}

export interface SoundWorld {
  readonly server: TestServer;
  readonly db: Database;
  readonly api: DescribedApi;
  readonly asker: Tenant & { readonly agentId: string; readonly phone: string };
  readonly ids: Possessions;
}

type Needs = (world: SoundWorld) => Promise<Partial<SoundRequest>>;

const at = (params: Record<string, string>): Partial<SoundRequest> => ({ params });
const saying = (body: object): Promise<Partial<SoundRequest>> => Promise.resolve({ body });

async function freshCampaign({ asker }: SoundWorld, more: object = {}): Promise<string> {
  const { body } = await asker.ask("POST", "/v1/calls/batch", {
    agent_id: asker.agentId,
    from_number: asker.phone,
    prompt: "Say hello.",
    recipients: [{ phone: nextPhone() }],
    allow_duplicate: true,
    ...more,
  });
  return body.campaign_id;
}

const toCampaign =
  (more: object = {}): Needs =>
  async (world) => ({ ...at({ campaign_id: await freshCampaign(world, more) }), body: {} });

async function freshKey({ server }: SoundWorld): Promise<Tenant> {
  return server.tenant({ name: "for this once" });
}

const ofFreshKey: Needs = async (world) => ({
  ...at({ key_id: (await freshKey(world)).keyId }),
  body: { name: "renamed" },
});

const ofNumber: Needs = ({ ids }) =>
  Promise.resolve({
    ...at({ number: ids.number }),
    body: { url: "https://hooks.example.com/" },
  });

const setSecondWebhook: Needs = async (world) => {
  const number = encodeURIComponent(world.ids.number);
  const body = { url: "https://hooks.example.com/2" };
  await world.asker.ask("PUT", `/v1/integrations/webhook2/number/${number}`, body);
  return ofNumber(world);
};

/** A phone that no number has. What the asker imported before gives way: there are few phones. */
async function freePhone({ db, asker }: SoundWorld): Promise<string> {
  await db.query("delete from phone_numbers where key_id = $1 and phone <> $2", [
    asker.keyId,
    asker.phone,
  ]);
  for (;;) {
    const phone = nextPhone();
    const { rowCount } = await db.query("select from phone_numbers where phone = $1", [phone]);
    if (rowCount === 0) return phone;
  }
}

const importedNumber: Needs = async (world) => {
  const phone = await freePhone(world);
  const { agentId } = world.asker;
  await world.asker.ask("POST", "/v1/phone-numbers", importOf(agentId, phone));
  return at({ number: phone });
};

const importOf = (agentId: string, phone: string): object => ({
  phone_number: phone,
  agent_id: agentId,
  twilio_sid: ACCOUNT,
  twilio_token: TOKEN,
});

const batchBody = ({ asker }: SoundWorld): object => ({
  agent_id: asker.agentId,
  from_number: asker.phone,
  name: "Reminders",
  prompt: "Remind them.",
  recipients: [
    { phone: nextPhone(), variables: { name: "Ada", visits: 3, is_new: true } },
    { phone: nextPhone(), prompt_override: "Say hello.", timezone: "America/New_York" },
  ],
  timezone: "America/New_York",
  window_start_minutes: 540,
  window_end_minutes: 1080,
  window_days: ["mon", "tue"],
  allow_duplicate: true,
});

const NEEDS: Readonly<Record<string, Needs>> = {
  "PATCH /v1/keys/{key_id}": ofFreshKey,
  "DELETE /v1/keys/{key_id}": ofFreshKey,
  "POST /v1/keys/rotate": async (world) => ({
    authorization: (await freshKey(world)).authorization,
  }),
  "DELETE /v1/agents/{agent_id}": async ({ asker }) => {
    const made = await asker.ask("POST", "/v1/agents", {});
    return at({ agent_id: made.body.agent_id });
  },
  "PUT /v1/agents/{agent_id}": async ({ asker }) => {
    const made = await asker.ask("POST", "/v1/agents", {});
    return { ...at({ agent_id: made.body.agent_id }), body: { name: "Sarah", language: "en-GB" } };
  },
  "POST /v1/phone-numbers": async (world) =>
    saying(importOf(world.asker.agentId, await freePhone(world))),
  "PATCH /v1/phone-numbers/{number}": async (world) => ({
    ...(await importedNumber(world)),
    body: { outbound_enabled: false, custom_prompt: "Be brief." },
  }),
  "DELETE /v1/phone-numbers/{number}": importedNumber,
  "GET /v1/integrations/webhook2/number/{number}": setSecondWebhook,
  "DELETE /v1/integrations/webhook2/number/{number}": setSecondWebhook,
  "DELETE /v1/integrations/webhook/number/{number}": async (world) => {
    const number = encodeURIComponent(world.ids.number);
    const body = { url: "https://hooks.example.com/" };
    await world.asker.ask("PUT", `/v1/integrations/webhook/number/${number}`, body);
    return ofNumber(world);
  },
  "GET /v1/integrations/webhook/number/{number}": ofNumber,
  "PUT /v1/integrations/webhook/number/{number}": ofNumber,
  "PUT /v1/integrations/webhook2/number/{number}": ofNumber,
  "POST /v1/suppressions": () => saying({ phones: [nextPhone(), nextPhone()], reason: "Asked." }),
  "GET /v1/suppressions/check": () => Promise.resolve({ query: { phone: nextPhone() } }),
  "DELETE /v1/suppressions/{suppression_id}": async ({ asker }) => {
    const made = await asker.ask("POST", "/v1/suppressions", { phone: nextPhone() });
    return at({ suppression_id: made.body.suppressions[0].suppression_id });
  },
  "POST /v1/calls/batch": (world) => saying(batchBody(world)),
  "POST /v1/calls/batch/preview": (world) => saying(batchBody(world)),
  "PATCH /v1/calls/batch/{campaign_id}": async (world) => ({
    ...at({ campaign_id: await freshCampaign(world) }),
    body: { name: "Another name", pacing_share: 3, window_days: ["mon"] },
  }),
  "POST /v1/calls/batch/{campaign_id}/launch": toCampaign({
    schedule_type: "schedule",
    scheduled_date: "2030-07-01",
  }),
  "POST /v1/calls/batch/{campaign_id}/cancel": toCampaign(),
  "POST /v1/calls/batch/{campaign_id}/pause": toCampaign(),
  "POST /v1/calls/batch/{campaign_id}/resume": async (world) => {
    const campaignId = await freshCampaign(world);
    await world.asker.ask("POST", `/v1/calls/batch/${campaignId}/pause`);
    return { ...at({ campaign_id: campaignId }), body: {} };
  },
  "POST /v1/calls/batch/{campaign_id}/recipients": async (world) => ({
    ...at({ campaign_id: await freshCampaign(world) }),
    body: { recipients: [{ phone: nextPhone(), variables: { name: "Ada" } }] },
  }),
  "POST /v1/calls/outbound": ({ asker }) =>
    saying({
      agent_id: asker.agentId,
      from_number: asker.phone,
      to_number: nextPhone(),
      prompt: "Confirm {time}.",
      dynamic_vars: { time: "10:30" },
    }),
  "DELETE /v1/calls/{call_id}": async ({ db, asker }) =>
    at({ call_id: await makeEndedCall(db, asker, "ended") }),
  "POST /v1/calls/{call_id}/settle": async ({ db, asker }) => {
    const callId = await makeEndedCall(db, asker, "lost");
    await db.query(
      `with lost as (update calls set status = 'uncertain', ended_reason = 'uncertain' where id = $1 returning recipient_id)
       update recipients set state = 'uncertain' where id in (select recipient_id from lost)`,
      [callId],
    );
    return { ...at({ call_id: callId }), body: { outcome: "reached", note: "They called back." } };
  },
  // It erases everything of whoever asks.
  "DELETE /v1/calls": async (world) => ({ authorization: (await freshKey(world)).authorization }),
  "POST /v1/webhooks/deliveries/{delivery_id}/replay": async ({ db, ids }) => {
    await db.query("update deliveries set state = 'failed', due_at = null where id = $1", [
      ids.delivery_id,
    ]);
    return at({ delivery_id: ids.delivery_id });
  },
  "POST /v1/webhooks/deliveries/replay": () => saying({ since: "2030-06-12T00:00:00Z" }),
  "POST /v1/webhooks/test": ({ asker }) => saying({ agent_id: asker.agentId }),
};

/** A request that succeeds. */
export async function soundRequest(world: SoundWorld, operation: Operation): Promise<SoundRequest> {
  const own = (await NEEDS[operation.name]?.(world)) ?? {};
  const json = operation.bodies["application/json"];
  const example = json === undefined ? undefined : world.api.resolve(json).examples?.[0];
  return {
    params: { ...world.ids },
    query: {},
    contentType: "application/json",
    body: json === undefined ? undefined : (example ?? {}),
    ...own,
  };
}
