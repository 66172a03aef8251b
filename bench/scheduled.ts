// What an idle tick of the engine costs while nothing is due: with no campaign, with a thousand and
// with a hundred thousand scheduled ones, and with a hundred thousand recipients waiting in paused
// campaigns. It must stay under 5 ms and not grow. Run it with `node bench/scheduled.ts`; it makes
// and removes a database of its own.

import type { OpenDatabase } from "../src/app/database.ts";
import { systemRandom } from "../src/app/system-random.ts";
import { zoneDataVersion } from "../src/domain/time-zone.ts";
import { NO_METERS } from "../src/engine/meters.ts";
import { createEngine, type Engine } from "../src/engine/engine.ts";
import type { Carrier } from "../src/ports/carrier.ts";
import { sqlInstant } from "../src/store/sql-instant.ts";
import { withDatabase } from "./bench-server.ts";

const START = Date.UTC(2030, 5, 12, 11);
const DAY_MS = 86_400_000;
const BOUND_MS = 5;
/** How far the clock moves before each tick, so that it does this much. */
const KINDS = [
  { name: "tick alone", stepMs: 1, ticks: 400 },
  { name: "with campaign steps", stepMs: 500, ticks: 400 },
  { name: "with steps and sweep", stepMs: 60_000, ticks: 100 },
] as const;

function idleEngine(db: OpenDatabase): {
  readonly engine: Engine;
  readonly advance: (ms: number) => void;
} {
  let now = START;
  const unasked = (): never => {
    throw new Error("an idle engine asked the carrier");
  };
  const carrier: Carrier = {
    checkAccount: unasked,
    checkNumber: unasked,
    place: unasked,
    lookUp: unasked,
    list: unasked,
    listSince: unasked,
    end: unasked,
    explainBusy: unasked,
    findRecording: unasked,
    openRecording: unasked,
    deleteRecordings: unasked,
  };
  const engine = createEngine({
    clock: { now: () => now, monotonicMs: () => now, state: () => ({ kind: "steady" }) },
    carrier,
    database: db,
    random: systemRandom,
    owner: "bench",
    model: {
      configuration: () => ({ kind: "ready", name: "bench" }),
      reply: unasked,
      answer: unasked,
    },
    meters: NO_METERS,
    curfew: null,
    log: { info: () => {}, warn: () => {}, error: (facts) => console.error(facts) },
    decryptToken: () => "",
    prepareGreeting: () => "",
  });
  return { engine, advance: (ms) => (now += ms) };
}

async function addTenant(db: OpenDatabase): Promise<void> {
  const now = sqlInstant(START);
  await db.query(
    "insert into api_keys (id, secret_hash, concurrent_call_limit, created_at) values ('key_1', '\\x00', 10, $1)",
    [now],
  );
  await db.query("insert into slots (key_id, number) select 'key_1', generate_series(1, 10)");
  await db.query(
    `insert into agents (id, uuid, key_id, name, is_active, settings, created_at, updated_at)
     values ('agent_1', gen_random_uuid(), 'key_1', 'A', true, '{}', $1, $1)`,
    [now],
  );
  await db.query(
    `insert into carrier_accounts (id, carrier_account_id, auth_token_encrypted, account_type, calls_per_second,
       next_dial_at, created_at) values ('acct_1', 'AC1', '\\x00', 'full', 1, $1, $1)`,
    [now],
  );
  await db.query(
    `insert into phone_numbers (id, phone, key_id, agent_id, account_id, settings, created_at, updated_at)
     values ('num_1', '+12025550100', 'key_1', 'agent_1', 'acct_1', '{}', $1, $1)`,
    [now],
  );
}

/**
 * Of ten campaigns five have a window, four have none, and one runs in its recipients' zones; one
 * in seven expires. All open from tomorrow on.
 */
async function addCampaigns(
  db: OpenDatabase,
  from: number,
  to: number,
  recipients: { readonly status: "scheduled" | "paused"; readonly each: number },
): Promise<void> {
  const times = [sqlInstant(START), sqlInstant(START + DAY_MS)];
  await db.query(
    `insert into campaigns (id, key_id, agent_id, phone_number_id, from_number, prompt, status, schedule_type, timezone,
       zone_data_version, opens_at, closes_at, recipients_count, invalid_count, created_at, zone_mode, expires_at,
       window_start_minutes, window_end_minutes, window_days)
     select 'batchcall_' || n, 'key_1', 'agent_1', 'num_1', '+12025550100', 'Say hello.', $5, 'schedule',
       'Europe/London', $3, $2::timestamptz + n * interval '1 minute',
       case when n % 10 < 5 then $2::timestamptz + n * interval '1 minute' + interval '9 hours' else 'infinity' end,
       $4, 0, $1, case when n % 10 = 9 then 'recipient' else 'campaign' end,
       case when n % 7 = 0 then $2::timestamptz + n * interval '1 minute' + interval '90 days' end,
       540, 1080, '{mon,tue,wed,thu,fri}'
     from generate_series($6::integer, $7::integer) n`,
    [...times, zoneDataVersion(), recipients.each, recipients.status, from, to],
  );
  await db.query(
    `insert into zone_groups (campaign_id, number, zones, opens_at, closes_at, zone_data_version)
     select id, 1, '{Europe/London}', opens_at, opens_at + interval '9 hours', $1 from campaigns
     where zone_mode = 'recipient' on conflict do nothing`,
    [zoneDataVersion()],
  );
  await db.query(
    `insert into recipients (campaign_id, key_id, row_index, phone, variables, due_at)
     select 'batchcall_' || n, 'key_1', i, '+1202555' || lpad(((n * 100 + i) % 10000)::text, 4, '0'), '{}', $1
     from generate_series($2::integer, $3::integer) n, generate_series(1, $4::integer) i`,
    [times[0], from, to, recipients.each],
  );
  // What autovacuum does within a minute.
  await db.query("vacuum analyze");
}

async function measure(db: OpenDatabase, name: string): Promise<boolean> {
  const { engine, advance } = idleEngine(db);
  console.log(name);
  let isGood = true;
  for (const { name: kind, stepMs, ticks } of KINDS) {
    const taken: number[] = [];
    // The first ticks prepare statements and fill caches.
    for (let tick = -20; tick < ticks; tick += 1) {
      advance(stepMs);
      const startedAt = performance.now();
      await engine.tick();
      const ms = performance.now() - startedAt;
      if (tick >= 0) taken.push(ms);
      // What a tick leaves running beside it is not part of the next one.
      while (engine.placingCount() > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    taken.sort((one, other) => one - other);
    const median = taken[taken.length >> 1] ?? 0;
    const slow = taken[Math.floor(taken.length * 0.99)] ?? 0;
    isGood &&= median < BOUND_MS;
    console.log(`  ${kind.padEnd(22)} median ${median.toFixed(2)} ms, p99 ${slow.toFixed(2)} ms`);
  }
  return isGood;
}

await withDatabase(async (db) => {
  await addTenant(db);
  const results = [await measure(db, "no campaign")];
  await addCampaigns(db, 1, 1_000, { status: "scheduled", each: 1 });
  results.push(await measure(db, "1,000 scheduled"));
  await addCampaigns(db, 1_001, 100_000, { status: "scheduled", each: 1 });
  results.push(await measure(db, "100,000 scheduled"));
  await addCampaigns(db, 100_001, 100_100, { status: "paused", each: 1_000 });
  results.push(await measure(db, "and 100,000 recipients in 100 paused campaigns"));
  if (results.includes(false)) {
    console.error(`an idle tick takes ${BOUND_MS} ms or more`);
    process.exitCode = 1;
  }
});
