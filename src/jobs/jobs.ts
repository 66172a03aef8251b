// Background work: rows with a due time and a short lease, claimed under the same clock as calls.
// tick() starts what is due and says when it next wants to be woken; the work itself goes on beside
// it. Any number of processes may tick at once; one that dies loses a lease's time and nothing
// else.

import type { Instant } from "../domain/instant.ts";
import { claimAnalyses, nextAnalysisAt } from "../store/call-analyses.ts";
import {
  claimDeliveries,
  nextDeliveryAt,
  trimDeliveries,
  type BusyHost,
  type ClaimedDelivery,
} from "../store/delivery-queue.ts";
import { analyse, QUESTION_TIMEOUT_MS } from "./analyse.ts";
import { ATTEMPT_TIMEOUT_MS, deliver } from "./deliver.ts";
import type { JobsDependencies } from "./jobs-dependencies.ts";
import { createErasures } from "./erase.ts";
import { createRetention } from "./retention.ts";
import type { Worker } from "./worker.ts";

/** Attempts under way in one process. Each is a socket and a few kilobytes. */
const MAX_DELIVERIES = 64;
/** To one host of one key: what a slow endpoint can hold. */
const MAX_PER_HOST = 4;
/** A key with many slow hosts leaves three quarters to the others. */
const MAX_PER_KEY = 16;
/** An attempt, the statements around it, and room for a machine that swaps. */
const LEASE_MS = 3 * ATTEMPT_TIMEOUT_MS;
/** Questions to the model under way in one process: conversations come first. */
const MAX_ANALYSES = 4;
/** Two questions, and room. */
const ANALYSIS_LEASE_MS = 3 * QUESTION_TIMEOUT_MS;
/** Longest sleep: a lost notification costs no more. */
const MAX_SLEEP_MS = 2_000;
/** Something is due that nobody could take: another look soon. */
const BUSY_SLEEP_MS = 100;
const TRIM_MS = 60_000;
/** Of the delivered, and of the failed ones, of a key. Source: contract B.12. */
const MAX_LOGGED_DELIVERIES = 5_000;

export interface Jobs {
  /** Starts what is due. Not reentrant. Throws as the database does. */
  tick(): Promise<{ readonly nextWakeAt: Instant }>;
  /** Starts nothing more and waits for what is under way: at most a model's two answers. */
  drain(): Promise<void>;
  /** What is under way in this process. */
  underWay(): number;
}

export function createJobs(deps: JobsDependencies): Jobs {
  const workers = [
    createDeliveries(deps),
    createAnalyses(deps),
    createErasures(deps),
    createRetention(deps),
  ];
  let isDraining = false;
  return {
    tick: async () => {
      const { clock } = deps;
      if (isDraining || clock.state().kind === "degraded") {
        return { nextWakeAt: clock.now() + MAX_SLEEP_MS };
      }
      let dueAt = Number.POSITIVE_INFINITY;
      for (const worker of workers) {
        await worker.start(clock.now());
        dueAt = Math.min(dueAt, (await worker.nextDueAt()) ?? Number.POSITIVE_INFINITY);
      }
      const now = clock.now();
      const nextAt = Math.max(now + BUSY_SLEEP_MS, dueAt);
      return { nextWakeAt: Math.min(now + MAX_SLEEP_MS, nextAt) };
    },
    drain: async () => {
      isDraining = true;
      await Promise.all(workers.flatMap((worker) => [...worker.underWay()]));
    },
    underWay: () => workers.reduce((sum, worker) => sum + [...worker.underWay()].length, 0),
  };
}

function createDeliveries(deps: JobsDependencies): Worker {
  const underWay = new Map<ClaimedDelivery, Promise<void>>();
  const trimKeys = new Set<string>();
  let trimDueAt = Number.NEGATIVE_INFINITY;

  function take(delivery: ClaimedDelivery): void {
    const work = deliver(deps, delivery)
      .catch((error: unknown) => {
        // Its lease ends, and then it is tried again.
        deps.log.error({ err: error, deliveryId: delivery.id }, "a webhook could not be tried");
      })
      .finally(() => {
        underWay.delete(delivery);
        trimKeys.add(delivery.keyId);
      });
    underWay.set(delivery, work);
  }

  async function trim(now: Instant): Promise<void> {
    if (now < trimDueAt) return;
    trimDueAt = now + TRIM_MS;
    const keys = [...trimKeys];
    trimKeys.clear();
    for (const keyId of keys) await trimDeliveries(deps.database, keyId, MAX_LOGGED_DELIVERIES);
  }

  return {
    start: async (now) => {
      await trim(now);
      const limit = MAX_DELIVERIES - underWay.size;
      if (limit === 0) return;
      const claimed = await claimDeliveries(deps.database, {
        now,
        leaseUntil: now + LEASE_MS,
        busy: busyHosts(underWay.keys()),
        maxPerHost: MAX_PER_HOST,
        maxPerKey: MAX_PER_KEY,
        limit,
      });
      for (const delivery of claimed) take(delivery);
    },
    nextDueAt: () => nextDeliveryAt(deps.database),
    underWay: () => underWay.values(),
  };
}

function createAnalyses(deps: JobsDependencies): Worker {
  const underWay = new Set<Promise<void>>();
  return {
    start: async (now) => {
      const limit = MAX_ANALYSES - underWay.size;
      if (limit === 0) return;
      const leaseUntil = now + ANALYSIS_LEASE_MS;
      for (const claimed of await claimAnalyses(deps.database, { now, leaseUntil, limit })) {
        const work = analyse(deps, claimed)
          .catch((error: unknown) => {
            deps.log.error({ err: error, callId: claimed.callId }, "a call could not be analysed");
          })
          .finally(() => underWay.delete(work));
        underWay.add(work);
      }
    },
    nextDueAt: () => nextAnalysisAt(deps.database),
    underWay: () => underWay,
  };
}

function busyHosts(deliveries: Iterable<ClaimedDelivery>): readonly BusyHost[] {
  const counts = new Map<string, BusyHost>();
  for (const { keyId, host } of deliveries) {
    const name = `${keyId} ${host}`;
    counts.set(name, { keyId, host, count: (counts.get(name)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
