// Phones that must not be called, of a key or of the whole installation (key id null). From the
// commit on no request to the phone passes the gate.

import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** Suppresses a phone; one that is suppressed already stays as it is. Idempotent. */
export async function suppressPhone(
  tx: Queryable,
  suppression: {
    readonly id: string;
    readonly keyId: string;
    readonly phone: string;
    readonly reason: string | null;
    readonly source: "call";
    readonly now: Instant;
  },
): Promise<void> {
  const { id, keyId, phone, reason, source, now } = suppression;
  await tx.query(
    `insert into suppressions (id, key_id, phone, reason, source, created_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (key_id, phone) where key_id is not null do nothing`,
    [id, keyId, phone, reason, source, sqlInstant(now)],
  );
}
