// What health says about each thing that can be wrong, and that it says no more.

import { expect, test } from "vitest";
import { createHealthCheck, type HealthParts } from "../../src/app/health.ts";
import { testServer } from "../http/test-server.ts";
import { testDatabase } from "../support/test-database.ts";
import { virtualClock } from "../support/virtual-clock.ts";

const db = await testDatabase();
const NOW = Date.parse("2030-06-12T11:00:00Z");
const { rows } = await db.query<{ n: number }>("select max(number) as n from schema_migrations");
const latestSchema = rows[0]!.n;

function check(parts: Partial<HealthParts> = {}) {
  return createHealthCheck({
    database: db,
    clock: virtualClock(NOW),
    model: { configuration: () => ({ kind: "ready", name: "test:model" }) },
    loop: { failures: () => 0 },
    sinceTickMs: () => 100,
    version: "1.2.3",
    latestSchema,
    ...parts,
  })();
}

async function addProcess(): Promise<void> {
  await db.query(
    `insert into processes (id, roles, max_voice_sessions, started_at, heartbeat_at)
     values ('proc_1', '{dialer,voice}', 5, $1, $1)
     on conflict (id) do update set heartbeat_at = $1`,
    ["2030-06-12T11:00:00Z"],
  );
}

test("ready when nothing is wrong", async () => {
  await addProcess();
  const health = await check();
  expect(health.reasons).toEqual([]);
  expect(health).toMatchObject({ status: "ready", version: "1.2.3" });
});

test("no process dials or talks", async () => {
  await addProcess();
  const { status, reasons } = await check({ clock: virtualClock(NOW + 6_000) });
  expect(status).toBe("degraded");
  expect(reasons).toEqual([
    "dialing: no living process dials",
    "voice: no living process can hold a conversation, so nobody is called",
  ]);
});

test("what is wrong in this process", async () => {
  await addProcess();
  const reasonsOf = async (parts: Partial<HealthParts>) => {
    const { status, reasons } = await check(parts);
    expect(status).toBe("degraded");
    return reasons;
  };
  const clock = virtualClock(NOW);
  const doubtful = { ...clock, state: () => ({ kind: "degraded", reason: "it jumped" }) as const };
  expect(await reasonsOf({ clock: doubtful })).toEqual(["clock: it jumped"]);
  expect(await reasonsOf({ loop: { failures: () => 3 } })).toEqual([
    "dialer: 3 ticks in a row have failed; the log says why",
  ]);
  expect(await reasonsOf({ sinceTickMs: () => 31_000 })).toEqual([
    "dialer: no tick has ended for 31 s",
  ]);
  const missing = { kind: "missing", instruction: "Set CARILLON_MODEL." } as const;
  expect(await reasonsOf({ model: { configuration: () => missing } })).toEqual([
    "model: Set CARILLON_MODEL.",
  ]);
  expect((await check({ loop: null, sinceTickMs: () => 1e9 })).status).toBe("ready");
});

test("a database that is away, or of another version, makes it unavailable", async () => {
  await addProcess();
  const away = { ...db, query: () => Promise.reject(new Error("secret host db.internal")) };
  const health = await check({ database: away });
  expect(health.status).toBe("unavailable");
  expect(health.reasons).toEqual(["database: does not answer; nothing is dialed until it does"]);
  expect((await check({ latestSchema: latestSchema + 1 })).status).toBe("unavailable");
  expect((await check({ latestSchema: latestSchema - 1 })).status).toBe("unavailable");
});

test("accounts, numbers, webhooks and the operator's stop; nothing of a tenant", async () => {
  await addProcess();
  const server = await testServer(db);
  const caller = await server.caller();
  await db.query(
    `update carrier_accounts set paused_at = $1, pause_reason = 'secret reason', pace_factor = 0.5`,
    ["2030-06-12T10:00:00Z"],
  );
  await db.query("update phone_numbers set benched_at = $1", ["2030-06-12T10:00:00Z"]);
  await db.query(
    `insert into deliveries (id, key_id, event, slot, host, agent_id, phone_number_id, state, due_at, created_at)
     values ('msg_1', $1, 'webhook.test', 'agent', 'hooks.example.com', $2, 'num_1', 'pending', $3, $3)`,
    [caller.keyId, caller.agentId, "2030-06-12T10:50:00Z"],
  );
  await server.operator("POST", "/v1/operator/stop", { reason: "secret reason" });
  const health = await check();
  expect(health.status).toBe("degraded");
  expect(Object.entries(health.checks).flatMap(([name, it]) => (it.ok ? [] : [name]))).toEqual([
    "dialing",
    "carrier",
    "public_url",
    "webhooks",
  ]);
  expect(health.checks["carrier"]?.message).toContain(
    "an account is paused, a number is benched, an account is slowed down",
  );
  expect(health.checks["webhooks"]?.message).toContain("10 minutes");
  const text = JSON.stringify(health);
  for (const hidden of [caller.keyId, caller.agentId, caller.phone, "secret reason", "hooks."]) {
    expect(text).not.toContain(hidden);
  }
  await server.app.close();
});

test("a flood of questions asks the database once", async () => {
  let asked = 0;
  const clock = virtualClock(NOW);
  const counted = {
    ...db,
    query: ((text: string, values?: readonly unknown[]) => {
      asked += 1;
      return db.query(text, values);
    }) as typeof db.query,
  };
  const health = createHealthCheck({
    database: counted,
    clock,
    model: { configuration: () => ({ kind: "ready", name: "test:model" }) },
    loop: null,
    sinceTickMs: () => 0,
    version: "1.2.3",
    latestSchema,
  });
  await Promise.all(Array.from({ length: 50 }, () => health()));
  expect(asked).toBe(1);
  clock.advance(1_000);
  await health();
  expect(asked).toBe(2);
});
