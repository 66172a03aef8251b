// What GET /v1/health says: whether this process can answer, and whether anybody can be called, one
// sentence for each thing looked at. Anybody may ask, so it names nothing of a tenant, and however
// often it is asked, the database is asked once a second.

import { VOICE_ALIVE_MS } from "../domain/claim-plan.ts";
import type { Health } from "../http/contract/health.ts";
import type { Clock } from "../ports/clock.ts";
import type { Queryable } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import { readHealthFacts, type HealthFacts } from "../store/health-facts.ts";

/** One failed tick happens; several in a row mean that nobody is being called. */
const MAX_FAILED_TICKS = 3;
/** A loop sleeps 2 s at most, and 10 s after failures: three of those. */
const MAX_TICK_SILENCE_MS = 30_000;
/** The first retry of a delivery comes after 5 minutes: what is due for longer waits for nobody. */
const MAX_WEBHOOK_OVERDUE_MS = 5 * 60_000;
const ASK_AGAIN_MS = 1_000;
const MAX_ANSWER_MS = 2_000;

interface Check {
  readonly ok: boolean;
  readonly message: string;
}

export interface HealthParts {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly model: Pick<Model, "configuration">;
  /** null: dialing is not a role of this process. */
  readonly loop: { failures(): number } | null;
  /** Since the dialer's last tick ended, or since its start. */
  readonly sinceTickMs: () => number;
  readonly version: string;
  /** The last migration that this program knows. */
  readonly latestSchema: number;
}

export function createHealthCheck(parts: HealthParts): () => Promise<Health> {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let last: Promise<Health> | null = null;
  return () => {
    const nowMs = parts.clock.monotonicMs();
    if (last === null || nowMs - askedAtMs >= ASK_AGAIN_MS) {
      askedAtMs = nowMs;
      last = examine(parts);
    }
    return last;
  };
}

async function examine(parts: HealthParts): Promise<Health> {
  const facts = await askDatabase(parts);
  const mine = {
    clock: checkClock(parts.clock),
    dialer: checkLoop(parts),
    model: checkModel(parts.model),
  };
  const { version } = parts;
  if (facts === null) {
    const database = wrong("does not answer; nothing is dialed until it does");
    return summed("unavailable", version, { database, ...mine });
  }
  const schema = checkSchema(facts.schema, parts.latestSchema);
  const checks = { database: fine("answers"), schema, ...mine, ...checkInstallation(facts) };
  if (!schema.ok) return summed("unavailable", version, checks);
  const isReady = Object.values(checks).every((check) => check.ok);
  return summed(isReady ? "ready" : "degraded", version, checks);
}

function summed(
  status: Health["status"],
  version: string,
  checks: Readonly<Record<string, Check>>,
): Health {
  const reasons = Object.entries(checks)
    .filter(([, check]) => !check.ok)
    .map(([name, check]) => `${name}: ${check.message}`);
  return { status, version, reasons, checks: { ...checks } };
}

/** null: no answer in time. */
async function askDatabase({ database, clock }: HealthParts): Promise<HealthFacts | null> {
  const now = clock.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), MAX_ANSWER_MS);
  });
  const times = { now, aliveSince: now - VOICE_ALIVE_MS };
  const facts = await Promise.race([readHealthFacts(database, times).catch(() => null), late]);
  clearTimeout(timer);
  return facts;
}

const fine = (message: string): Check => ({ ok: true, message });
const wrong = (message: string): Check => ({ ok: false, message });
const checked = (isWrong: boolean, message: string, otherwise: string): Check =>
  isWrong ? wrong(message) : fine(otherwise);

function checkSchema(current: number, latest: number): Check {
  if (current === latest) return fine(`at ${current}`);
  if (current > latest) return wrong("newer than this program: another version runs beside it");
  return wrong(`at ${current} of ${latest}: the migrations have not run`);
}

function checkClock(clock: Clock): Check {
  const state = clock.state();
  return state.kind === "steady" ? fine("steady") : wrong(state.reason);
}

function checkLoop({ loop, sinceTickMs }: HealthParts): Check {
  if (loop === null) return fine("not a role of this process");
  const failures = loop.failures();
  if (failures >= MAX_FAILED_TICKS)
    return wrong(`${failures} ticks in a row have failed; the log says why`);
  const silentMs = sinceTickMs();
  if (silentMs <= MAX_TICK_SILENCE_MS) return fine("running");
  return wrong(`no tick has ended for ${Math.round(silentMs / 1_000)} s`);
}

function checkModel(model: Pick<Model, "configuration">): Check {
  const configuration = model.configuration();
  return configuration.kind === "ready"
    ? fine(configuration.name)
    : wrong(configuration.instruction);
}

function checkInstallation(facts: HealthFacts): Readonly<Record<string, Check>> {
  const overdueMs = facts.webhookOverdueMs ?? 0;
  const minutes = Math.round(overdueMs / 60_000);
  return {
    dialing: facts.isDialingStopped
      ? wrong("the operator has stopped all dialing")
      : checked(!facts.hasDialer, "no living process dials", "a process dials"),
    voice: checked(
      !facts.hasVoice,
      "no living process can hold a conversation, so nobody is called",
      "a process can hold conversations",
    ),
    carrier: checkCarrier(facts),
    public_url: checked(
      facts.hasUnprovenAccount,
      "a carrier account has never reached it: one call at a time until its first callback arrives",
      "callbacks arrive",
    ),
    // It ends by itself: the engine reads the list as soon as the carrier answers.
    restore: checked(
      facts.restoringAccounts > 0,
      `${facts.restoringAccounts} carrier accounts of a restored backup dial nothing until ` +
        "the carrier's list of calls since then is read",
      "nothing to reconcile",
    ),
    webhooks: checked(
      overdueMs > MAX_WEBHOOK_OVERDUE_MS,
      `the oldest has been due for ${minutes} minutes; does a process with the role jobs run?`,
      "on time",
    ),
  };
}

function checkCarrier(facts: HealthFacts): Check {
  const said = [
    ...(facts.hasPausedAccount ? ["an account is paused"] : []),
    ...(facts.hasBenchedNumber ? ["a number is benched"] : []),
    ...(facts.hasSlowedAccount ? ["an account is slowed down"] : []),
  ];
  if (said.length === 0) return fine("every account and number may dial");
  return wrong(`${said.join(", ")}; /metrics and the campaigns' own reasons say which and why`);
}
