// Gauges of the whole installation, read from the database when somebody asks, at most every few
// seconds and one at a time. A database that does not answer costs a scrape two seconds and the
// gauges, never more. Every process shows the same figures: take the maximum, not the sum.

import type { Registry } from "prom-client";
import { VOICE_ALIVE_MS } from "../domain/claim-plan.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import { readGauges, type InstallationGauges } from "../store/gauges.ts";
import { gauge } from "./metrics.ts";

/** Scrapes within this long share one reading. */
const READ_AGAIN_MS = 5_000;
const MAX_READ_MS = 2_000;
/** Longer queues show as this. */
const COUNT_BOUND = 100_000;
/** The keys with the most open calls have a series of their own; the others share `other`. */
const MAX_KEYS = 100;

/** Answers a function that brings the gauges up to date before they are shown. */
export function createInstallationGauges(
  registry: Registry,
  parts: { readonly database: Database; readonly clock: Clock },
): () => Promise<void> {
  const show = createShow(registry);
  const up = gauge(registry, "database_up", "1 when the database answered the last question.");
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;

  async function read(): Promise<void> {
    const { database, clock } = parts;
    const now = clock.now();
    try {
      const aliveSince = now - VOICE_ALIVE_MS;
      show(await readGauges(database, { now, aliveSince, bound: COUNT_BOUND }));
      up.set(1);
      readAtMs = clock.monotonicMs();
    } catch {
      forget();
    } finally {
      reading = null;
    }
  }

  function forget(): void {
    show(null);
    up.set(0);
  }

  return async () => {
    if (parts.clock.monotonicMs() - readAtMs < READ_AGAIN_MS) return;
    reading ??= read();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        // Old figures would look like new ones.
        forget();
        resolve();
      }, MAX_READ_MS);
    });
    await Promise.race([reading, late]);
    clearTimeout(timer);
  };
}

/** Sets every gauge; null empties them. */
function createShow(registry: Registry): (gauges: InstallationGauges | null) => void {
  const byKey = gauge(registry, "open_calls", "Open calls of a key on a carrier account.", [
    "key",
    "account",
  ]);
  const limits = gauge(registry, "call_limit", "The limit of a key that has open calls.", ["key"]);
  const account = gauge(
    registry,
    "account_state",
    "1 while a carrier account is paused, backing off or unproven.",
    ["account", "state"],
  );
  const pace = gauge(registry, "account_pace_factor", "1 at full pace; less while slowed.", [
    "account",
  ]);
  const single = SINGLE_GAUGES.map(([name, help, valueOf]) => ({
    shown: gauge(registry, name, help, []),
    valueOf,
  }));
  return (gauges) => {
    for (const labelled of [byKey, limits, account, pace]) labelled.reset();
    for (const { shown, valueOf } of single) {
      const value = gauges === null ? null : valueOf(gauges);
      shown.set(value ?? Number.NaN);
    }
    if (gauges === null) return;
    const nameOf = keyNames(gauges);
    for (const { keyId, accountId, calls } of gauges.openCalls)
      byKey.inc({ key: nameOf(keyId), account: accountId }, calls);
    for (const { keyId, limit } of gauges.limits) {
      if (nameOf(keyId) !== OTHER) limits.set({ key: keyId }, limit);
    }
    for (const each of gauges.accounts) {
      const { accountId } = each;
      account.set({ account: accountId, state: "paused" }, each.isPaused ? 1 : 0);
      account.set({ account: accountId, state: "backing_off" }, each.isBackingOff ? 1 : 0);
      account.set({ account: accountId, state: "unproven" }, each.isProven ? 0 : 1);
      pace.set({ account: accountId }, each.paceFactor);
    }
  };
}

const OTHER = "other";

/** What a key is called in a label: its id, or `other` beyond the busiest. */
function keyNames({ openCalls }: InstallationGauges): (keyId: string) => string {
  const totals = new Map<string, number>();
  for (const { keyId, calls } of openCalls) totals.set(keyId, (totals.get(keyId) ?? 0) + calls);
  const busiest = [...totals].sort(([, a], [, b]) => b - a).slice(0, MAX_KEYS);
  const named = new Set(busiest.map(([keyId]) => keyId));
  return (keyId) => (named.has(keyId) ? keyId : OTHER);
}

type SingleGauge = readonly [
  name: string,
  help: string,
  valueOf: (gauges: InstallationGauges) => number | null,
];

const SINGLE_GAUGES: readonly SingleGauge[] = [
  ["campaigns_running", "Campaigns that run.", (it) => it.runningCampaigns],
  [
    "recipients_waiting",
    `Recipients that a claim may take once they are due; ${COUNT_BOUND} stands for more.`,
    (it) => it.waitingRecipients,
  ],
  ["calls_uncertain", "Calls that wait for a person to decide.", (it) => it.uncertainCalls],
  [
    "lease_overdue_seconds",
    "How long the oldest reservation has outlived its lease; 0 when none has.",
    (it) => Math.max(0, it.leaseOverdueSeconds ?? 0),
  ],
  ["webhooks_due", "Webhook deliveries that are due or under way.", (it) => it.dueDeliveries],
  [
    "webhook_overdue_seconds",
    "How long the oldest webhook delivery has been due.",
    (it) => Math.max(0, it.deliveryOverdueSeconds ?? 0),
  ],
  ["analyses_due", "Analyses of calls that are due or under way.", (it) => it.dueAnalyses],
  ["voice_processes", "Living processes that hold conversations.", (it) => it.voiceProcesses],
  [
    "voice_sessions_max",
    "Conversations that living processes can hold.",
    (it) => it.maxVoiceSessions,
  ],
];
