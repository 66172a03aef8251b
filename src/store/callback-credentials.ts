// What a carrier's request about one of our calls is checked against: the account it must come from
// and its tokens.

import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface CallbackCredentials extends Row {
  readonly carrierAccountId: string;
  readonly authTokenEncrypted: Uint8Array;
  /** The token before the last change, while it still counts. */
  readonly previousTokenEncrypted: Uint8Array | null;
}

/** null: no such call. */
export async function findCallbackCredentials(
  db: Queryable,
  callId: string,
  now: Instant,
): Promise<CallbackCredentials | null> {
  const { rows } = await db.query<CallbackCredentials>(
    `select a.carrier_account_id as "carrierAccountId", a.auth_token_encrypted as "authTokenEncrypted",
       case when a.previous_token_valid_until > $2 then a.previous_token_encrypted end as "previousTokenEncrypted"
     from calls c join carrier_accounts a on a.id = c.account_id where c.id = $1`,
    [callId, sqlInstant(now)],
  );
  return rows[0] ?? null;
}
