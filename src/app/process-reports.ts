// Reports this process to the others: that it lives, how many conversations it can hold, and which
// calls still talk.

import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { EngineLog } from "../engine/engine-dependencies.ts";
import { IN_PROGRESS_SILENCE_MS } from "../engine/look-up-times.ts";
import { touchFrames } from "../store/conversations.ts";
import { removeProcess, reportProcess } from "../store/processes.ts";

/** A claim believes a report for five seconds. */
const REPORT_EVERY_MS = 1_000;
/** A third of the silence after which the carrier is asked about a call. */
const TOUCH_EVERY_MS = 10_000;
/** Processes that stopped reporting a day ago are forgotten. */
const FORGET_AFTER_MS = 24 * 60 * 60_000;

export interface VoiceCounts {
  readonly maxSessions: number;
  count(): number;
  callIds(): readonly string[];
}

/** Reports once before it resolves, so that calls may be claimed at once. */
export async function startProcessReports(parts: {
  readonly database: Database;
  readonly clock: Clock;
  readonly owner: string;
  readonly roles: readonly string[];
  readonly voice: VoiceCounts;
  readonly log: EngineLog;
}): Promise<{ stop(): Promise<void> }> {
  const { database, clock, owner, roles, voice, log } = parts;
  const report = (): Promise<void> =>
    reportProcess(database, {
      id: owner,
      roles,
      maxVoiceSessions: roles.includes("voice") ? voice.maxSessions : 0,
      voiceSessions: voice.count(),
      now: clock.now(),
    });
  const touch = async (): Promise<void> => {
    const ids = voice.callIds();
    const now = clock.now();
    if (ids.length > 0) await touchFrames(database, ids, now, now + IN_PROGRESS_SILENCE_MS);
  };
  const logged = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      log.warn({ err: error }, "a report of this process could not be written");
    });
  };
  await report();
  const reporting = setInterval(() => logged(report()), REPORT_EVERY_MS);
  const touching = setInterval(() => logged(touch()), TOUCH_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(reporting);
      clearInterval(touching);
      await removeProcess(database, owner, clock.now() - FORGET_AFTER_MS).catch(() => {});
    },
  };
}
