// A tenant with one of everything, every text of it marked: whoever reads a mark has read the
// tenant. And everything of a tenant as its rows say it, to compare before and after.

import type { Database } from "../../../src/ports/database.ts";
import { nextPhone, type Answer, type Tenant, type TestServer } from "../test-server.ts";

/** Ids by the names that paths and bodies give them. */
export interface Possessions {
  readonly agent_id: string;
  readonly campaign_id: string;
  readonly row: string;
  /** Ended and analysed. */
  readonly call_id: string;
  readonly number: string;
  readonly key_id: string;
  readonly delivery_id: string;
  readonly suppression_id: string;
  /** Of a phone that nobody else has. */
  readonly erasure_id: string;
  /** A phone of its campaign's list. */
  readonly phone: string;
  readonly idempotency_key: string;
}

type Caller = Tenant & { readonly agentId: string; readonly phone: string };

/** @param mark stands in every text that the tenant has */
export async function giveEverything(
  server: TestServer,
  db: Database,
  tenant: Caller,
  mark: string,
): Promise<Possessions> {
  const ask = async (...request: Parameters<Tenant["ask"]>): Promise<Answer> => {
    const answer = await tenant.ask(...request);
    if (answer.status >= 300) throw new Error(`${request[1]}: ${answer.text}`);
    return answer;
  };
  await server.operator("PATCH", `/v1/keys/${tenant.keyId}`, { name: mark });
  await ask("PUT", `/v1/agents/${tenant.agentId}`, markedAgent(mark));
  const number = encodeURIComponent(tenant.phone);
  await ask("PATCH", `/v1/phone-numbers/${number}`, { custom_prompt: mark });
  const url = { url: `https://hooks.example.com/${mark}` };
  await ask("PUT", `/v1/integrations/webhook/number/${number}`, url);
  const phone = nextPhone();
  const idempotencyKey = `of-${mark}`;
  const batch = await ask(
    "POST",
    "/v1/calls/batch",
    {
      agent_id: tenant.agentId,
      name: mark,
      prompt: mark,
      recipients: [{ phone, variables: { [mark]: mark }, prompt_override: mark }],
      schedule_type: "schedule",
      scheduled_date: "2030-07-01",
    },
    { "idempotency-key": idempotencyKey },
  );
  // The prompt before stays: calls were made with it.
  await ask("PATCH", `/v1/calls/batch/${batch.body.campaign_id}`, { prompt: `${mark} again` });
  const suppressed = await ask("POST", "/v1/suppressions", { phone: nextPhone(), reason: mark });
  const erased = await ask("POST", "/v1/erasures", { phone: nextPhone() });
  const tested = await ask("POST", "/v1/webhooks/test", { agent_id: tenant.agentId });
  const deliveryId: string = tested.body.delivery_ids[0];
  await settleDelivery(db, deliveryId, mark);
  await keepEvidence(db, tenant, mark);
  return {
    agent_id: tenant.agentId,
    campaign_id: batch.body.campaign_id,
    row: "0",
    call_id: await makeEndedCall(db, tenant, mark),
    number: tenant.phone,
    key_id: tenant.keyId,
    delivery_id: deliveryId,
    suppression_id: suppressed.body.suppressions[0].suppression_id,
    erasure_id: erased.body.erasure_id,
    phone,
    idempotency_key: idempotencyKey,
  };
}

function markedAgent(mark: string): object {
  const texts = ["name", "system_prompt", "welcome_message", "fallback_message", "business_name"];
  return {
    ...Object.fromEntries(texts.map((name) => [name, mark])),
    voicemail_message: mark,
    transfer_whisper: mark,
    boosted_keywords: mark,
    disclosure_attestation: mark,
    post_call_sms_template: mark,
    webhook_url: `https://hooks.example.com/${mark}`,
    data_extraction_fields: [{ type: "text", name: mark, description: mark }],
    tools: [
      {
        name: mark,
        description: mark,
        parameters: { type: "object", description: mark },
        url: `https://tools.example.com/${mark}`,
        headers: { "x-token": mark },
        filler: mark,
      },
    ],
  };
}

/** A delivery that was made, so that it can be replayed. */
async function settleDelivery(db: Database, deliveryId: string, mark: string): Promise<void> {
  await db.query(
    `update deliveries set state = 'failed', due_at = null, attempts = 3, url = $2, response_status = 500,
       response_body = $3, error = $3, attempted_at = created_at, settled_at = created_at where id = $1`,
    [deliveryId, `https://hooks.example.com/${mark}`, mark],
  );
}

/** What is left of a call whose record was removed. */
async function keepEvidence(db: Database, tenant: Caller, mark: string): Promise<void> {
  await db.query(
    `insert into dial_evidence (call_id, key_id, phone, from_number, carrier_account_id, carrier_call_id, sent_at, status)
     select $1 || id, id, '+12025550199', $2, $1, $1, created_at, 'completed' from api_keys where id = $3`,
    [mark, tenant.phone, tenant.keyId],
  );
}

/** A single call that connected, was recorded, ended and was analysed. Answers its id. */
export async function makeEndedCall(db: Database, tenant: Caller, mark: string): Promise<string> {
  const made = await tenant.ask("POST", "/v1/calls/outbound", {
    agent_id: tenant.agentId,
    from_number: tenant.phone,
    to_number: nextPhone(),
    prompt: mark,
    dynamic_vars: { [mark]: mark },
  });
  const callId: string = made.body.call_id;
  const talk = JSON.stringify([{ role: "callee", text: mark }]);
  await db.query(
    `with ended as (update calls set status = 'completed', carrier_call_id = $3 || id, sent_at = created_at,
         answered_at = created_at, ended_at = created_at, duration_seconds = 60, ended_reason = 'callee_hangup',
         error_message = $3,
         is_recorded = true, recording_state = 'ready', recording_id = $3, recording_seconds = 60,
         transcript = $2, greeting = $3, verdict_reason = $3 where id = $1 returning *),
       settled as (update recipients set state = 'reached', settled = true, claimable = false, state_reason = $3
         where queued_call_id = $1),
       told as (insert into call_events (call_id, at, kind, facts)
         select id, created_at, 'status', jsonb_build_object('said', $3::text) from ended)
     insert into call_analyses (call_id, key_id, state, summary, successful, sentiment, extracted, evidence, raw_text,
       error, created_at)
     select id, key_id, 'done', $3, true, 'happy', jsonb_build_object($3::text, $3::text),
       jsonb_build_object($3::text, $3::text), $3, $3, created_at from ended`,
    [callId, talk, mark],
  );
  return callId;
}

// Where a tenant's rows are, by the table; $1 is its key.
const ROWS_OF_KEY: Readonly<Record<string, string>> = {
  api_keys: "id = $1",
  agents: "key_id = $1",
  phone_numbers: "key_id = $1",
  campaigns: "key_id = $1",
  campaign_prompts: "campaign_id in (select id from campaigns where key_id = $1)",
  zone_groups: "campaign_id in (select id from campaigns where key_id = $1)",
  recipients: "key_id = $1",
  calls: "key_id = $1",
  call_events: "call_id in (select id from calls where key_id = $1)",
  call_analyses: "key_id = $1",
  suppressions: "key_id = $1",
  deliveries: "key_id = $1",
  slots: "key_id = $1",
  idempotency_keys: "key_id = $1",
  dial_evidence: "key_id = $1",
  erasures: "key_id = $1",
};

// Of nobody, or of the installation.
const SHARED_TABLES = [
  "schema_migrations",
  "installation",
  "processes",
  "carrier_accounts",
  "retention_work",
];

/**
 * Everything of a tenant, by table.
 * @throws Error for a table of which this file does not say whose rows it has
 */
export async function rowsOfTenant(
  db: Database,
  keyId: string,
): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await db.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const dumped: Record<string, string> = {};
  for (const { name } of tables) {
    if (SHARED_TABLES.includes(name)) continue;
    const where = ROWS_OF_KEY[name];
    if (where === undefined) throw new Error(`whose are the rows of ${name}? Say it here`);
    const { rows } = await db.query<{ row: string }>(
      `select t::text as row from ${name} t where ${where} order by 1`,
      [keyId],
    );
    dumped[name] = rows.map(({ row }) => row).join("\n");
  }
  return dumped;
}
