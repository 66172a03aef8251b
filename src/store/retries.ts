// What deciding about another call to a recipient needs: its campaign's policy and its dials so
// far.

import type { Instant } from "../domain/instant.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface RetryCandidate extends Row {
  readonly recipientId: number;
  readonly policy: RetryPolicy;
  readonly attempts: number;
  readonly dialedAt: readonly Instant[];
  /** The recipient's zone where the campaign's window runs in it; else the campaign's. */
  readonly timezone: string;
}

/**
 * Of these recipients, those of campaigns with a retry policy that are not over at `now`. The
 * caller holds the locks of their calls.
 */
export async function listRetryCandidates(
  tx: Queryable,
  recipientIds: readonly number[],
  now: Instant,
): Promise<readonly RetryCandidate[]> {
  const { rows } = await tx.query<RetryCandidate>(
    `select r.id as "recipientId", g.retry_policy as policy, r.attempts, coalesce(z.zones[1], g.timezone) as timezone,
       array(select c.sent_at from calls c where c.recipient_id = r.id and c.sent_at is not null) as "dialedAt"
     from recipients r join campaigns g on g.id = r.campaign_id
     left join zone_groups z on z.campaign_id = g.id and z.number = r.zone_group
     where r.id = any($1) and r.state = 'calling' and g.retry_policy is not null
       and g.status in ('running', 'paused') and (g.expires_at is null or g.expires_at > $2)`,
    [recipientIds, sqlInstant(now)],
  );
  return rows;
}
