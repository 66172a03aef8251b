// Calls that the person asked to have at another time: their recipients wait for it instead of
// being settled, in the transaction that ends the call.

import { MAX_CALLBACKS } from "../domain/callback-time.ts";
import type { Queryable } from "../ports/database.ts";

/**
 * Lets the recipients of these calls wait for the time they asked for. Answers the calls where
 * that is so: not those of a campaign that has ended, of a single call, or of a phone that is
 * suppressed, or of who has asked too often. The calls must be locked and have ended.
 */
export async function scheduleCallbacks(
  tx: Queryable,
  callIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (callIds.length === 0) return new Set();
  const { rows } = await tx.query<{ id: string }>(
    `update recipients r set state = 'waiting', state_reason = 'asked to be called again', claimable = true,
       waits_for_phone = false, due_at = c.callback_at, due_reason = 'callback'
     from calls c join campaigns g on g.id = c.campaign_id
     where c.id = any($1) and c.callback_at is not null and r.id = c.recipient_id and r.state = 'calling'
       and g.status in ('scheduled', 'running', 'paused')
       and (select count(*) from calls o where o.recipient_id = r.id and o.callback_at is not null) <= $2
       and not exists (select from suppressions s where s.phone = c.to_number and (s.key_id = c.key_id or s.key_id is null))
     returning c.id`,
    [callIds, MAX_CALLBACKS],
  );
  return new Set(rows.map((row) => row.id));
}
