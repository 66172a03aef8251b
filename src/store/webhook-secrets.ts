// The secret that signs a key's webhooks, encrypted, and the one before it for a while. A key gets
// its first at first need; of two processes that make one at once, the first to write wins.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface WebhookSecrets extends Row {
  readonly current: Uint8Array;
  /** null: none that still signs. */
  readonly previous: Uint8Array | null;
  readonly previousValidUntil: Instant | null;
}

const COLUMNS = `webhook_secret_encrypted as current,
  case when previous_webhook_secret_valid_until > $2 then previous_webhook_secret_encrypted end as previous,
  case when previous_webhook_secret_valid_until > $2 then previous_webhook_secret_valid_until end
    as "previousValidUntil"`;

/** @param makeSecret a new secret, encrypted; called only for a key that has none */
export async function ensureWebhookSecrets(
  db: Queryable,
  keyId: string,
  makeSecret: () => Uint8Array,
  now: Instant,
): Promise<WebhookSecrets> {
  const { rows } = await db.query<WebhookSecrets>(
    `select ${COLUMNS} from api_keys where id = $1 and webhook_secret_encrypted is not null`,
    [keyId, sqlInstant(now)],
  );
  if (rows[0] !== undefined) return rows[0];
  const { rows: made } = await db.query<WebhookSecrets>(
    `update api_keys set webhook_secret_encrypted = coalesce(webhook_secret_encrypted, $3)
     where id = $1 returning ${COLUMNS}`,
    [keyId, sqlInstant(now), makeSecret()],
  );
  if (made[0] === undefined) throw new Error(`there is no key ${keyId}`);
  return made[0];
}

/** A new secret from now on; the one it replaces signs beside it until `previousValidUntil`. */
export async function rotateWebhookSecret(
  db: Queryable,
  keyId: string,
  secret: Uint8Array,
  times: { readonly now: Instant; readonly previousValidUntil: Instant },
): Promise<WebhookSecrets> {
  const { rows } = await db.query<WebhookSecrets>(
    `update api_keys set previous_webhook_secret_encrypted = webhook_secret_encrypted,
       previous_webhook_secret_valid_until = case when webhook_secret_encrypted is not null then $4::timestamptz end,
       webhook_secret_encrypted = $3
     where id = $1 returning ${COLUMNS}`,
    [keyId, sqlInstant(times.now), secret, sqlInstant(times.previousValidUntil)],
  );
  if (rows[0] === undefined) throw new Error(`there is no key ${keyId}`);
  return rows[0];
}
