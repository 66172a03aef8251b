// Recordings that are to go: deleted at the carrier, and asked for again until it confirms. Beside
// the dialer, in a loop of its own: however many there are, no call waits for them.

import type { Instant } from "../domain/instant.ts";
import {
  claimRecordingDeletions,
  nextRecordingDeletionAt,
  recordRecordingDeleted,
  type RecordingToDelete,
} from "../store/recordings.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";

export type DeleteRecordingsDependencies = Pick<
  EngineDependencies,
  "clock" | "database" | "carrier" | "log" | "decryptToken"
>;

/** Deleted one after the other: below any limit of the carrier. */
const BATCH = 20;
/** Longer than a batch takes when the carrier is slow; what failed is tried again then. */
const RETRY_MS = 10 * 60_000;
/** A recording appears at the carrier within a few minutes of its call's end. */
const APPEARS_WITHIN_MS = 10 * 60_000;
const MAX_SLEEP_MS = 30_000;

/** Deletes some of what is due; says when it wants to be woken. Throws as the database does. */
export async function deleteDueRecordings(
  deps: DeleteRecordingsDependencies,
): Promise<{ readonly nextWakeAt: Instant }> {
  const { clock, database } = deps;
  const now = clock.now();
  const due = await claimRecordingDeletions(database, {
    now,
    leaseUntil: now + RETRY_MS,
    limit: BATCH,
  });
  for (const one of due) {
    if (await isGoneNow(deps, one)) await recordRecordingDeleted(database, one);
  }
  const nextAt = (await nextRecordingDeletionAt(database)) ?? Number.POSITIVE_INFINITY;
  return { nextWakeAt: Math.min(nextAt, clock.now() + MAX_SLEEP_MS) };
}

/** One that fails in any way holds up none of the others. */
async function isGoneNow(
  deps: DeleteRecordingsDependencies,
  recording: RecordingToDelete,
): Promise<boolean> {
  try {
    return await isGone(deps, recording);
  } catch (error) {
    deps.log.error({ err: error, callId: recording.callId }, "a recording could not be deleted");
    return false;
  }
}

async function isGone(
  { carrier, clock, log, decryptToken }: DeleteRecordingsDependencies,
  { callId, carrierCallIds, carrierAccountId, authTokenEncrypted, endedAt }: RecordingToDelete,
): Promise<boolean> {
  if (carrierCallIds.length === 0) return true;
  const authToken = decryptToken(authTokenEncrypted);
  let count = 0;
  for (const carrierCallId of carrierCallIds) {
    const outcome = await carrier.deleteRecordings({ carrierAccountId, authToken }, carrierCallId);
    if (outcome.kind === "failed") {
      log.warn({ callId, reason: outcome.reason }, "a recording could not be deleted yet");
      return false;
    }
    count += outcome.count;
  }
  log.info({ callId, count }, "a call's recordings were deleted");
  // None may mean none yet.
  return count > 0 || (endedAt !== null && clock.now() - endedAt > APPEARS_WITHIN_MS);
}
