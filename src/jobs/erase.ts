// Erasing one phone: first nobody calls it any more, then it is taken out of every row, a batch at
// a time, then, once the carrier has deleted the recordings too, the receipt is closed. A process
// that dies is taken over: every step can be done again.

import type { E164 } from "../domain/phone.ts";
import {
  endCallsTo,
  eraseMentions,
  eraseRecipients,
  isStillAwaited,
} from "../store/erased-phones.ts";
import {
  claimErasure,
  countErased,
  finishErasure,
  nextErasureAt,
  postponeErasure,
  type ClaimedErasure,
} from "../store/erasures.ts";
import { hasErasedRecordings } from "../store/recordings.ts";
import type { JobsDependencies } from "./jobs-dependencies.ts";
import type { Worker } from "./worker.ts";

/** A batch takes tens of milliseconds. */
const LEASE_MS = 60_000;
const BATCH_RECIPIENTS = 500;
/** A call that was asked to end does so within seconds. */
const OPEN_CALL_WAIT_MS = 2_000;
/** The carrier takes seconds, or until its next recovery. */
const RECORDING_WAIT_MS = 5_000;

export function createErasures(deps: JobsDependencies): Worker {
  let underWay: Promise<void> | null = null;
  return {
    start: async (now) => {
      if (underWay !== null) return;
      const erasure = await claimErasure(deps.database, now, now + LEASE_MS);
      if (erasure === null) return;
      underWay = erase(deps, erasure)
        .catch((error: unknown) => {
          // Its lease ends, and then it goes on.
          deps.log.error({ err: error, erasureId: erasure.id }, "a phone could not be erased");
        })
        .finally(() => (underWay = null));
    },
    nextDueAt: () => nextErasureAt(deps.database),
    underWay: () => (underWay === null ? [] : [underWay]),
  };
}

async function erase(deps: JobsDependencies, erasure: ClaimedErasure): Promise<void> {
  const { database, clock } = deps;
  const { id, keyId, phoneHash } = erasure;
  const phone = deps.secretBox.decrypt(erasure.phoneEncrypted) as E164;
  const scope = { keyId, phone, phoneHash };
  const open = await database.transaction((tx) => endCallsTo(tx, scope, clock.now()));
  if (open > 0) return postponeErasure(database, id, clock.now() + OPEN_CALL_WAIT_MS);
  for (let isMore = true; isMore;) {
    await postponeErasure(database, id, clock.now() + LEASE_MS);
    isMore = await database.transaction(async (tx) => {
      const run = { now: clock.now(), limit: BATCH_RECIPIENTS };
      const counts = await eraseRecipients(tx, scope, run);
      if (counts !== null) await countErased(tx, id, counts);
      return counts !== null;
    });
  }
  await database.transaction(async (tx) => {
    const now = clock.now();
    if (await isStillAwaited(tx, scope)) return postponeErasure(tx, id, now + OPEN_CALL_WAIT_MS);
    if (await hasErasedRecordings(tx, scope)) {
      return postponeErasure(tx, id, now + RECORDING_WAIT_MS);
    }
    await countErased(tx, id, await eraseMentions(tx, scope));
    await finishErasure(tx, id, now);
    deps.log.info({ erasureId: id }, "a phone was erased");
  });
}
