// Carrier tokens as they are stored, encrypted. Only the caller can read them.

import type { Queryable, Row } from "../ports/database.ts";

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
