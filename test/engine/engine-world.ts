// A small installation for engine tests: one key, one agent, one number, and helpers that read the
// rows.

import { onTestFinished } from "vitest";
import type { CarrierCallStatus, CarrierEvent } from "../../src/domain/carrier-event.ts";
import { WEEKDAYS } from "../../src/domain/calling-window.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { RetryPolicy } from "../../src/domain/retry-policy.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { NO_METERS } from "../../src/engine/meters.ts";
import type { EngineDependencies } from "../../src/engine/engine-dependencies.ts";
import type { Database } from "../../src/ports/database.ts";
import { reportProcess } from "../../src/store/processes.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import {
  scriptedCarrier,
  type PlacedOrder,
  type ScriptedCarrier,
} from "../support/scripted-carrier.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { virtualClock, type VirtualClock } from "../support/virtual-clock.ts";

export const START: Instant = Date.UTC(2026, 10, 24, 12, 0, 0);

export interface World {
  readonly db: Database;
  readonly clock: VirtualClock;
  readonly carrier: ScriptedCarrier;
  readonly engine: Engine;
  /** What the engine was given, for tests that call a part of it. */
  readonly dependencies: EngineDependencies;
  readonly keyId: string;
  /** A voice process is alive and has room. */
  reportVoice(): Promise<void>;
  newEngine(owner: string): Engine;
  addCampaign(phones: readonly string[], options?: CampaignOptions): Promise<string>;
  /** Ticks and waits for what the tick asked of the carrier. */
  tick(): Promise<void>;
  /** Moves the clock in small steps, ticking at each. */
  run(ms: number, stepMs?: number): Promise<void>;
  report(
    placed: PlacedOrder,
    status: CarrierCallStatus,
    extra?: Partial<CarrierEvent>,
  ): Promise<void>;
  states(campaignId: string): Promise<Record<string, number>>;
}

export interface CampaignOptions {
  readonly status?: string;
  readonly opensAt?: Instant;
  readonly closesAt?: Instant;
  /** Minutes of every local day (Europe/London) that opensAt and closesAt belong to. */
  readonly window?: { readonly startMinutes: number; readonly endMinutes: number };
  readonly expiresAt?: Instant;
  readonly retryPolicy?: RetryPolicy;
  readonly pacingShare?: number;
  /** The zones of each recipient, in the list's order; the window then runs in them. */
  readonly zones?: readonly (readonly string[])[];
}

let worlds = 0;

/**
 * A fresh installation in a fresh database. `limits`: slots of the key, calls per second of the
 * account.
 */
export async function makeWorld(
  limits: {
    readonly slots?: number;
    readonly callsPerSecond?: number;
    readonly isProven?: boolean;
  } = {},
): Promise<World> {
  worlds += 1;
  // A database of its own: an engine dials whatever is due, other tests' campaigns too.
  const { db, drop } = await createTestDatabase({ maxConnections: 4 });
  onTestFinished(drop);
  const clock = virtualClock(START);
  const carrier = scriptedCarrier();
  const ids = {
    key: `key_${worlds}`,
    agent: `agent_${worlds}`,
    account: `acct_${worlds}`,
    number: `num_${worlds}`,
  };
  await insertTenant(db, ids, limits);
  const newEngine = (owner: string): Engine =>
    createEngine(dependencies(db, clock, carrier, owner));
  const own = dependencies(db, clock, carrier, "proc_1");
  const engine = createEngine(own);
  let campaigns = 0;
  const settle = async (): Promise<void> => {
    // Placings and look-ups run beside the tick; give the loop turns until none is left.
    while (engine.placingCount() > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const tick = async (): Promise<void> => {
    await report(db, clock.now());
    await engine.tick();
    await settle();
  };
  return {
    db,
    clock,
    carrier,
    engine,
    dependencies: own,
    keyId: ids.key,
    reportVoice: () => report(db, clock.now()),
    newEngine,
    tick,
    addCampaign: async (phones, options = {}) => {
      campaigns += 1;
      const id = `batchcall_${worlds}_${campaigns}`;
      await insertCampaign(db, ids, id, phones, { clock, ...options });
      return id;
    },
    run: async (ms, stepMs = 100) => {
      const end = clock.now() + ms;
      while (clock.now() < end) {
        clock.advance(stepMs);
        await tick();
      }
    },
    report: async (placed, status, extra = {}) => {
      await engine.apply([
        {
          kind: "status",
          callId: placed.order.callId,
          dialNumber: placed.order.dialNumber,
          carrierCallId: placed.carrierCallId,
          at: clock.now(),
          source: "callback",
          status,
          durationSeconds: null,
          sipResponseCode: null,
          ...extra,
        } as CarrierEvent,
      ]);
      await settle();
    },
    states: async (campaignId) => {
      const { rows } = await db.query<{ state: string; n: number }>(
        "select state, count(*) as n from recipients where campaign_id = $1 group by state",
        [campaignId],
      );
      return Object.fromEntries(rows.map((row) => [row.state, row.n]));
    },
  };
}

function report(db: Database, now: Instant): Promise<void> {
  return reportProcess(db, {
    id: "proc_1",
    roles: ["voice"],
    maxVoiceSessions: 1_000,
    voiceSessions: 0,
    now,
  });
}

function dependencies(
  db: Database,
  clock: VirtualClock,
  carrier: ScriptedCarrier,
  owner: string,
): EngineDependencies {
  return {
    clock,
    carrier,
    database: db,
    random: seededRandom(worlds),
    owner,
    model: {
      configuration: () => ({ kind: "ready", name: "scripted" }),
      reply: () => {
        throw new Error("the engine never talks");
      },
      answer: () => {
        throw new Error("the engine never asks");
      },
    },
    meters: NO_METERS,
    curfew: null,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    decryptToken: () => "token",
    prepareGreeting: (settings) => settings.welcome_message,
  };
}

async function insertTenant(
  db: Database,
  ids: {
    readonly key: string;
    readonly agent: string;
    readonly account: string;
    readonly number: string;
  },
  limits: {
    readonly slots?: number;
    readonly callsPerSecond?: number;
    readonly isProven?: boolean;
  },
): Promise<void> {
  const now = sqlInstant(START);
  const slots = limits.slots ?? 10;
  await db.query(
    "insert into api_keys (id, secret_hash, concurrent_call_limit, created_at) values ($1, '\\x00', $2, $3)",
    [ids.key, slots, now],
  );
  await db.query("insert into slots (key_id, number) select $1, n from generate_series(1, $2) n", [
    ids.key,
    slots,
  ]);
  await db.query(
    `insert into agents (id, uuid, key_id, name, is_active, settings, created_at, updated_at)
     values ($1, gen_random_uuid(), $2, 'A', true, $3, $4, $4)`,
    [
      ids.agent,
      ids.key,
      JSON.stringify({ welcome_message: "Hello.", max_call_duration_seconds: 600 }),
      now,
    ],
  );
  await db.query(
    `insert into carrier_accounts (id, carrier_account_id, auth_token_encrypted, account_type, calls_per_second,
       next_dial_at, proven_at, created_at) values ($1, $2, '\\x00', 'full', $3, $4, $5, $4)`,
    [
      ids.account,
      `AC${ids.account}`,
      limits.callsPerSecond ?? 100,
      now,
      limits.isProven === false ? null : now,
    ],
  );
  await db.query(
    `insert into phone_numbers (id, phone, key_id, agent_id, account_id, settings, created_at, updated_at)
     values ($1, $2, $3, $4, $5, '{}', $6, $6)`,
    [
      ids.number,
      `+1202555${String(worlds).padStart(4, "0")}`,
      ids.key,
      ids.agent,
      ids.account,
      now,
    ],
  );
}

async function insertCampaign(
  db: Database,
  ids: { readonly key: string; readonly agent: string; readonly number: string },
  id: string,
  phones: readonly string[],
  options: CampaignOptions & { readonly clock: VirtualClock },
): Promise<void> {
  const now = options.clock.now();
  await db.query(
    `insert into campaigns (id, key_id, agent_id, phone_number_id, from_number, prompt, status, schedule_type, timezone,
       zone_data_version, opens_at, closes_at, recipients_count, invalid_count, created_at, started_at,
       window_start_minutes, window_end_minutes, window_days, expires_at, retry_policy, pacing_share, zone_mode)
     select $1, $2, $3, n.id, n.phone, 'Say hello.', $5, 'now', 'Europe/London', $6, $7, $8, $9, 0, $10, $10,
       $11, $12, $13, $14, $15, $16, $17
     from phone_numbers n where n.id = $4`,
    [
      id,
      ids.key,
      ids.agent,
      ids.number,
      options.status ?? "running",
      process.versions["tz"],
      sqlInstant(options.opensAt ?? now),
      sqlInstant(options.closesAt ?? Number.POSITIVE_INFINITY),
      phones.length,
      sqlInstant(now),
      options.window?.startMinutes ?? null,
      options.window?.endMinutes ?? null,
      options.window === undefined ? null : WEEKDAYS,
      options.expiresAt === undefined ? null : sqlInstant(options.expiresAt),
      options.retryPolicy === undefined ? null : JSON.stringify(options.retryPolicy),
      options.pacingShare ?? 1,
      options.zones === undefined ? "campaign" : "recipient",
    ],
  );
  for (const [index, zones] of (options.zones ?? []).entries()) {
    // Opening and closing in the past: the next step moves the group to its window.
    await db.query(
      `insert into zone_groups (campaign_id, number, zones, opens_at, closes_at, zone_data_version)
       values ($1, $2, $3, $4, $4, $5)`,
      [id, index + 1, zones, sqlInstant(now), process.versions["tz"]],
    );
  }
  await db.query(
    `insert into recipients (campaign_id, key_id, row_index, phone, variables, due_at, zone_group)
     select $1, $2, n - 1, phone, '{}', $4, case when $5 then n else 0 end
     from unnest($3::text[]) with ordinality as u(phone, n)`,
    [id, ids.key, phones, sqlInstant(now), options.zones !== undefined],
  );
}
