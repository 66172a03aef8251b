// What GET /v1/health says: whether this process can do its work, one sentence for each thing
// looked at.

import type { Health } from "../http/contract/health.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import type { TickLoop } from "./tick-loop.ts";

/** One failed tick happens; several in a row mean that nobody is being called. */
const MAX_FAILED_TICKS = 3;

export function createHealthCheck(parts: {
  readonly database: Database;
  readonly clock: Clock;
  readonly model: Model;
  readonly loop: TickLoop | null;
  readonly version: string;
}): () => Promise<Health> {
  return async () => {
    const checks: Health["checks"] = {
      database: await checkDatabase(parts.database),
      clock: checkClock(parts.clock),
      dialer: checkLoop(parts.loop),
    };
    const isOk = Object.values(checks).every((check) => check.ok);
    // A server without a model works; only campaigns are refused, with what to set.
    const model = parts.model.configuration();
    checks["model"] = {
      ok: true,
      message: model.kind === "ready" ? model.name : model.instruction,
    };
    return { status: isOk ? "ok" : "degraded", version: parts.version, checks };
  };
}

async function checkDatabase(database: Database): Promise<{ ok: boolean; message: string }> {
  try {
    await database.query("select 1");
    return { ok: true, message: "answers" };
  } catch {
    return { ok: false, message: "does not answer; nothing is dialed until it does" };
  }
}

function checkClock(clock: Clock): { ok: boolean; message: string } {
  const state = clock.state();
  return state.kind === "steady"
    ? { ok: true, message: "steady" }
    : { ok: false, message: state.reason };
}

function checkLoop(loop: TickLoop | null): { ok: boolean; message: string } {
  if (loop === null) return { ok: true, message: "not a role of this process" };
  const failures = loop.failures();
  return failures < MAX_FAILED_TICKS
    ? { ok: true, message: "running" }
    : { ok: false, message: `${failures} ticks in a row have failed; the log says why` };
}
