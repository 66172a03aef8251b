// What is kept for a time, and removed when that is over: in small batches, one at a time in a
// process, under a lease like all background work. A new kind of thing is a line in KINDS.

import type { Instant } from "../domain/instant.ts";
import { deleteExpiredIdempotencyKeys } from "../store/idempotency.ts";
import {
  claimRetention,
  deleteOldRecordings,
  forgetConversations,
  nextRetentionAt,
  recordRetention,
  removeDeliveries,
  removeEvidence,
  removeRecords,
  type RetentionStep,
} from "../store/retention.ts";
import type { Database } from "../ports/database.ts";
import type { JobsDependencies, RetentionDays } from "./jobs-dependencies.ts";
import type { Worker } from "./worker.ts";

const DAY_MS = 86_400_000;
/** Everything is at most this much older than its time: nobody counts the hours of 90 days. */
const LOOK_MS = 3_600_000;
/** Between full batches: an hour's worth of a busy installation takes minutes, and nobody waits. */
const PAUSE_MS = 200;
/** A batch takes tens of milliseconds; a database under load may need seconds. */
const LEASE_MS = 60_000;
/** Rows of one transaction: its locks are held for a moment. */
const BATCH_ROWS = 500;

interface Kind {
  readonly days: (kept: RetentionDays) => number;
  readonly remove: (database: Database, step: RetentionStep) => Promise<number>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  conversations: { days: (kept) => kept.conversations, remove: forgetConversations },
  // Before the records, which wait for them.
  recordings: {
    days: (kept) => Math.min(kept.conversations, kept.records),
    remove: deleteOldRecordings,
  },
  records: { days: (kept) => kept.records, remove: removeRecords },
  deliveries: { days: (kept) => kept.deliveries, remove: removeDeliveries },
  evidence: { days: (kept) => kept.evidence, remove: removeEvidence },
  // Each row says itself when its day is over.
  idempotency_keys: {
    days: () => 0,
    remove: (database, { now, limit }) => deleteExpiredIdempotencyKeys(database, now, limit),
  },
};

export const RETENTION_KINDS: readonly string[] = Object.keys(KINDS);

export function createRetention(deps: JobsDependencies): Worker {
  let underWay: Promise<void> | null = null;
  return {
    start: async (now) => {
      if (underWay !== null) return;
      const kind = await claimRetention(deps.database, RETENTION_KINDS, now, now + LEASE_MS);
      if (kind === null) return;
      underWay = work(deps, kind)
        .catch((error: unknown) => {
          // Its lease ends, and then it is tried again.
          deps.log.error({ err: error, kind }, "what is too old could not be removed");
        })
        .finally(() => (underWay = null));
    },
    nextDueAt: () => nextRetentionAt(deps.database),
    underWay: () => (underWay === null ? [] : [underWay]),
  };
}

async function work(deps: JobsDependencies, name: string): Promise<void> {
  const kind = KINDS[name];
  if (kind === undefined) return;
  const now = deps.clock.now();
  const before: Instant = now - kind.days(deps.retention) * DAY_MS;
  const removed = await kind.remove(deps.database, { before, now, limit: BATCH_ROWS });
  const end = deps.clock.now();
  const dueAt = removed > 0 ? end + PAUSE_MS : end + LOOK_MS;
  await recordRetention(deps.database, name, { removed, now: end, dueAt });
  if (removed > 0) deps.log.info({ kind: name, removed }, "removed what was kept long enough");
}
