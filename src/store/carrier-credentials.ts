// Carrier tokens as they are stored, encrypted. Only the caller can read them.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface StoredCredentials extends Row {
  readonly id: string;
  readonly carrierAccountId: string;
  readonly authTokenEncrypted: Uint8Array;
}

export async function listCredentials(
  db: Queryable,
  accountIds: readonly string[],
): Promise<readonly StoredCredentials[]> {
  const { rows } = await db.query<StoredCredentials>(
    `select id, carrier_account_id as "carrierAccountId", auth_token_encrypted as "authTokenEncrypted"
     from carrier_accounts where id = any($1)`,
    [accountIds],
  );
  return rows;
}

/** Every account of the installation. */
export async function listAccountCredentials(db: Queryable): Promise<readonly StoredCredentials[]> {
  const { rows } = await db.query<StoredCredentials>(
    `select id, carrier_account_id as "carrierAccountId", auth_token_encrypted as "authTokenEncrypted"
     from carrier_accounts order by id limit 1000`,
  );
  return rows;
}

/**
 * Every token that may sign a callback now, with those before the last change while they count; at
 * most so many.
 */
export async function listSigningTokens(
  db: Queryable,
  now: Instant,
  limit: number,
): Promise<readonly Uint8Array[]> {
  const { rows } = await db.query<{ token: Uint8Array }>(
    `select auth_token_encrypted as token from carrier_accounts
     union all select previous_token_encrypted from carrier_accounts where previous_token_valid_until > $1
     limit $2`,
    [sqlInstant(now), limit],
  );
  return rows.map(({ token }) => token);
}
