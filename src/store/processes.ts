// The living processes of an installation, and how many conversations each can hold. A process that
// stops reporting is dead to the claim within seconds.

import type { Instant } from "../domain/instant.ts";
import type { Queryable } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

/** Reports a process; the first report starts it. */
export async function reportProcess(
  db: Queryable,
  process: {
    readonly id: string;
    readonly roles: readonly string[];
    readonly maxVoiceSessions: number;
    readonly voiceSessions: number;
    readonly now: Instant;
  },
): Promise<void> {
  await db.query(
    `insert into processes (id, roles, max_voice_sessions, voice_sessions, started_at, heartbeat_at)
     values ($1, $2, $3, $4, $5, $5)
     on conflict (id) do update set max_voice_sessions = $3, voice_sessions = $4, heartbeat_at = $5`,
    [
      process.id,
      process.roles,
      process.maxVoiceSessions,
      process.voiceSessions,
      sqlInstant(process.now),
    ],
  );
}

/** Takes a process off the list, and those that have been silent since `silentSince` with it. */
export async function removeProcess(
  db: Queryable,
  id: string,
  silentSince: Instant,
): Promise<void> {
  await db.query("delete from processes where id = $1 or heartbeat_at < $2", [
    id,
    sqlInstant(silentSince),
  ]);
}
