// What /metrics shows, and to whom.

import { afterAll, expect, test } from "vitest";
import { createInstallationGauges } from "../../src/app/metrics-gauges.ts";
import { createMetrics } from "../../src/app/metrics.ts";
import { metricsRoute } from "../../src/http/metrics-route.ts";
import type { Database } from "../../src/ports/database.ts";
import { OPERATOR_TOKEN, testServer } from "../http/test-server.ts";
import { testDatabase } from "../support/test-database.ts";
import { virtualClock } from "../support/virtual-clock.ts";

const TOKEN = "token-that-reads-metrics-0123456789";

const db = await testDatabase();
const clock = virtualClock(Date.parse("2030-06-12T11:00:00Z"));
const metrics = createMetrics(clock, "1.2.3");
let questions = 0;
let isAway = false;
const counted: Pick<Database, "query"> = {
  query: (text, values) => {
    questions += 1;
    return isAway ? Promise.reject(new Error("away")) : db.query(text, values);
  },
};
const read = createInstallationGauges(metrics.registry, { database: { ...db, ...counted }, clock });
const render = async (): Promise<string> => {
  await read();
  return metrics.registry.metrics();
};
const contentType = metrics.registry.contentType;
const server = await testServer(db, {}, [
  metricsRoute({ database: db, token: TOKEN, contentType, render }),
]);
afterAll(() => server.app.close());

const valueOf = (text: string, series: string): string | undefined =>
  text
    .split("\n")
    .find((line) => line.startsWith(`carillon_${series} `))
    ?.split(" ")
    .at(-1);

async function addOpenCalls(count: number): Promise<string> {
  const caller = await server.caller({ concurrent_call_limit: 40 });
  await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: "Remind them.",
    recipients: Array.from({ length: count + 2 }, (_, index) => ({
      phone: `+1202555010${index % 10}`,
    })),
  });
  await db.query(
    `insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, status, open, lease_until, created_at)
     select 'call_' || r.id, r.key_id, r.campaign_id, r.id, g.agent_id, n.id, n.account_id, n.phone, r.phone, 1, 'reserved',
       true, '2030-06-12T10:59:30Z', '2030-06-12T10:59:00Z'
     from recipients r join campaigns g on g.id = r.campaign_id join phone_numbers n on n.id = g.phone_number_id
     where r.key_id = $1 and r.row_index < $2`,
    [caller.keyId, count],
  );
  await db.query(
    "update recipients set state = 'calling', claimable = false where key_id = $1 and row_index < $2",
    [caller.keyId, count],
  );
  return caller.keyId;
}

test("only the operator and the metrics token may read", async () => {
  const ask = (authorization?: string) =>
    server.ask({ url: "/metrics", headers: authorization === undefined ? {} : { authorization } });
  const tenant = await server.tenant();
  expect((await ask()).status).toBe(401);
  expect((await ask("Bearer wrong")).status).toBe(401);
  expect((await ask(tenant.authorization)).status).toBe(403);
  for (const token of [OPERATOR_TOKEN, TOKEN]) {
    const answer = await ask(`Bearer ${token}`);
    expect(answer.status, answer.text).toBe(200);
    expect(String(answer.headers["content-type"])).toContain("text/plain");
    expect(answer.text).toContain('carillon_info{version="1.2.3"} 1');
  }
  // It reads measurements and nothing else.
  expect(
    (await server.ask({ url: "/v1/keys", headers: { authorization: `Bearer ${TOKEN}` } })).status,
  ).toBe(401);
});

test("counts what the engine did", async () => {
  metrics.engine.claimed(3);
  metrics.engine.placed({ kind: "placed", carrierCallId: "CA1", queueTimeMs: 0 });
  metrics.engine.placed({ kind: "unknown", reason: "time-out" });
  metrics.engine.placed({
    kind: "refused",
    refusal: { class: "throttled", carrierCode: 20429, message: "later" },
  });
  metrics.engine.reconciled("adopted", 2);
  metrics.engine.reported(1_500);
  metrics.written(4);
  await metrics.timed("engine", { tick: () => Promise.resolve() }).tick();
  const failing = { tick: () => Promise.reject(new Error("no")) };
  await expect(metrics.timed("jobs", failing).tick()).rejects.toThrow("no");
  const text = await render();
  expect(valueOf(text, "calls_claimed_total")).toBe("3");
  expect(valueOf(text, 'placings_total{result="unknown"}')).toBe("1");
  expect(valueOf(text, 'refusals_total{class="throttled"}')).toBe("1");
  expect(valueOf(text, 'calls_reconciled_total{result="adopted"}')).toBe("2");
  expect(valueOf(text, 'callback_lag_seconds_bucket{le="1"}')).toBe("0");
  expect(valueOf(text, 'callback_lag_seconds_bucket{le="2.5"}')).toBe("1");
  expect(valueOf(text, 'dial_lateness_seconds_bucket{le="0.005"}')).toBe("1");
  expect(valueOf(text, 'tick_seconds_count{loop="engine"}')).toBe("1");
  expect(valueOf(text, 'ticks_failed_total{loop="jobs"}')).toBe("1");
});

test("gauges come from the database, one reading for all who ask within seconds", async () => {
  clock.advance(10_000);
  const keyId = await addOpenCalls(3);
  const before = questions;
  const texts = await Promise.all([render(), render()]);
  await render();
  expect(questions - before).toBe(1);
  const text = texts[0];
  expect(text).toMatch(new RegExp(`carillon_open_calls\\{key="${keyId}",account="acct_\\w+"\\} 3`));
  expect(valueOf(text, `call_limit{key="${keyId}"}`)).toBe("40");
  expect(valueOf(text, "recipients_waiting")).toBe("2");
  expect(valueOf(text, "lease_overdue_seconds")).toBe("40");
  expect(valueOf(text, "database_up")).toBe("1");
  expect(text).toMatch(/carillon_account_state\{account="acct_\w+",state="unproven"\} 1/);
});

test("past a hundred keys with open calls, the others share one series", async () => {
  clock.advance(10_000);
  await db.query(
    `with keys as (
       insert into api_keys (id, secret_hash, concurrent_call_limit, created_at)
       select 'key_many_' || n, '\\x00', 10, '2030-01-01T00:00:00Z' from generate_series(1, 105) n returning id),
     recipients as (
       insert into recipients (key_id, row_index, phone, variables, state, claimable, due_at)
       select id, 0, '+12025550199', '{}', 'calling', false, '2030-01-01T00:00:00Z' from keys returning id, key_id)
     insert into calls (id, key_id, recipient_id, agent_id, phone_number_id, account_id, from_number, to_number, attempt,
       status, open, created_at)
     select 'call_of_' || r.key_id, r.key_id, r.id, c.agent_id, c.phone_number_id, c.account_id, c.from_number,
       '+12025550199', 1, 'dialing', true, c.created_at
     from recipients r, (select * from calls limit 1) c`,
  );
  const text = await render();
  const series = text.split("\n").filter((line) => line.startsWith("carillon_open_calls{"));
  expect(series).toHaveLength(101);
  // 106 keys have open calls; the busiest has three and is named.
  expect(series.find((line) => line.includes('key="other"'))).toMatch(/ 6$/);
  expect(series.some((line) => line.endsWith(" 3"))).toBe(true);
});

test("a database that is away costs the gauges and not the counters", async () => {
  clock.advance(10_000);
  isAway = true;
  const text = await render();
  expect(valueOf(text, "database_up")).toBe("0");
  expect(valueOf(text, "recipients_waiting")).toBe("Nan");
  expect(text).not.toContain("carillon_open_calls{");
  expect(valueOf(text, "calls_claimed_total")).toBe("3");
  isAway = false;
});
