// The Database port over a real server: what arrives, what breaks, what is run again.

import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/app/database.ts";
import { AppError } from "../../src/domain/app-error.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { testDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";

const db = await testDatabase({ isEmpty: true });

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test("column types arrive as the port promises", async () => {
  const { rows } = await db.query(
    `select 9007199254740991::int8 as big, 12.25::numeric as exact, date '2026-03-01' as day,
            timestamptz '2026-03-01 09:30:00.123456+02' as instant,
            'infinity'::timestamptz as never,
            '-infinity'::timestamptz as ever, '{"a":[1]}'::jsonb as document, null::int8 as nothing,
            array[1, null, 3]::int8[] as bigs,
            array['2026-03-01 00:00Z', 'infinity']::timestamptz[] as instants,
            array[1.5]::numeric[] as exacts, array[date '2026-03-01'] as days, true as yes`,
  );
  expect(rows[0]).toEqual({
    big: 9007199254740991,
    exact: 12.25,
    day: "2026-03-01",
    instant: Date.UTC(2026, 2, 1, 7, 30, 0, 123),
    never: Number.POSITIVE_INFINITY,
    ever: Number.NEGATIVE_INFINITY,
    document: { a: [1] },
    nothing: null,
    bigs: [1, null, 3],
    instants: [Date.UTC(2026, 2, 1), Number.POSITIVE_INFINITY],
    exacts: [1.5],
    days: ["2026-03-01"],
    yes: true,
  });
});

test("a bigint that a number cannot hold is an error", async () => {
  await expect(db.query("select 9007199254740993::int8 as big")).rejects.toThrow(RangeError);
  expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("instants survive the way in and out, in any session time zone", async () => {
  const zones = fc.constantFrom("UTC", "Asia/Kolkata", "America/New_York", "Europe/Amsterdam");
  const instants = fc.integer({
    min: Date.UTC(1, 0, 1),
    max: Date.UTC(9999, 11, 31),
  });
  await fc.assert(
    fc.asyncProperty(instants, zones, async (at, zone) => {
      const back = await db.transaction(async (tx) => {
        await tx.query("select set_config('timezone', $1, true)", [zone]);
        return tx.query("select $1::timestamptz as at", [sqlInstant(at)]);
      });
      expect(back.rows[0]?.["at"]).toBe(at);
    }),
    { numRuns: 100 },
  );
});

test("what is no instant never reaches SQL", () => {
  expect(() => sqlInstant(Number.NaN)).toThrow(RangeError);
  expect(() => sqlInstant(Date.UTC(10000, 0, 1))).toThrow(RangeError);
  expect(sqlInstant(Number.POSITIVE_INFINITY)).toBe("infinity");
});

test("rowCount counts changes", async () => {
  await db.query("create table counted (n int)");
  const inserted = await db.query("insert into counted select generate_series(1, 3)");
  const updated = await db.query("update counted set n = n + 1 where n > $1", [1]);
  expect([inserted.rowCount, updated.rowCount]).toEqual([3, 2]);
});

test("a failing statement keeps its SQLSTATE, and its connection stays usable", async () => {
  await expect(db.query("select 1 / 0")).rejects.toMatchObject({ code: "22012" });
  await expect(db.query("select 1 as one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

test("a transaction commits whole or not at all", async () => {
  await db.query("create table kept (n int primary key)");
  await db.transaction(async (tx) => {
    await tx.query("insert into kept values (1)");
  });
  await expect(
    db.transaction(async (tx) => {
      await tx.query("insert into kept values (2)");
      throw new Error("changed my mind");
    }),
  ).rejects.toThrow("changed my mind");
  expect((await db.query("select n from kept")).rows).toEqual([{ n: 1 }]);
});

test("a transaction that swallowed a failure does not pretend to have committed", async () => {
  await db.query("create table swallowed (n int primary key)");
  const attempt = db.transaction(async (tx) => {
    await tx.query("insert into swallowed values (1)");
    await tx.query("insert into swallowed values (1)").catch(() => "swallowed");
  });
  await expect(attempt).rejects.toMatchObject({ code: "23505" });
  expect((await db.query("select n from swallowed")).rows).toEqual([]);
});

test("a statement sent after its transaction ended is refused", async () => {
  const tx = await db.transaction(async (inside) => inside);
  await expect(tx.query("select 1")).rejects.toThrow("after its transaction ended");
});

test("a deadlock reruns the whole of the work", async () => {
  await db.query("create table crossed (id int primary key, n int not null)");
  await db.query("insert into crossed values (1, 0), (2, 0)");
  let runs = 0;
  let held = 0;
  const cross = (first: number, second: number): Promise<void> =>
    db.transaction(async (tx) => {
      runs += 1;
      await tx.query("update crossed set n = n + 1 where id = $1", [first]);
      held += 1;
      // Both hold their first row before either asks for its second.
      await waitFor(() => held >= 2, { describe: "the other transaction's first row" });
      await tx.query("update crossed set n = n + 1 where id = $1", [second]);
    });
  await Promise.all([cross(1, 2), cross(2, 1)]);
  expect((await db.query("select n from crossed order by id")).rows).toEqual([{ n: 2 }, { n: 2 }]);
  // At least one of the two was sacrificed and run again; on a slow machine they may meet twice.
  expect(runs).toBeGreaterThanOrEqual(3);
});

test("serialisation failures are rerun at most five times", async () => {
  let runs = 0;
  const attempt = db.transaction(async (tx) => {
    runs += 1;
    await tx.query("do $$ begin raise exception 'again' using errcode = '40001'; end $$");
  });
  await expect(attempt).rejects.toMatchObject({ code: "database_unavailable", retryable: true });
  expect(runs).toBe(6);
});

test("a single statement that lost a deadlock is run again", async () => {
  await db.query("create table met (id int primary key, n int not null)");
  await db.query("insert into met values (1, 0), (2, 0)");
  let isHeld = false;
  const crossing = db.transaction(async (tx) => {
    await tx.query("update met set n = n + 1 where id = 2");
    isHeld = true;
    await waitFor(
      async () => {
        const { rows } = await db.query<{ waiting: boolean }>(
          "select exists (select from pg_locks where not granted and locktype = 'transactionid') as waiting",
        );
        return rows[0]?.waiting;
      },
      { describe: "the single statement to wait for the second row" },
    );
    await tx.query("update met set n = n + 1 where id = 1");
  });
  await waitFor(() => isHeld, { describe: "the second row to be held" });
  // Holds the first row and waits for the second.
  const single = db.query(
    "update met set n = n + 1 where id in (select id from met order by id for update)",
  );
  await Promise.all([single, crossing]);
  expect((await db.query("select n from met order by id")).rows).toEqual([{ n: 2 }, { n: 2 }]);
});

test("a server that cannot do the work just now says when to come back", async () => {
  for (const state of ["25006", "53100", "53200", "53300", "55P03", "57014", "58030"]) {
    const attempt = db.query(`do $$ begin raise exception 'no' using errcode = '${state}'; end $$`);
    await expect(attempt, state).rejects.toMatchObject({
      code: "database_unavailable",
      retryable: true,
      retryAfterSeconds: 5,
    });
  }
});

test("a session that became read-only is not used again", async () => {
  const other = await openDatabase({ connectionString: db.connectionString, maxConnections: 1 });
  await other.query("create table wanted (n int)");
  await other.query("set default_transaction_read_only = on");
  const attempt = other.query("insert into wanted values (1)");
  await expect(attempt).rejects.toMatchObject({ code: "database_unavailable" });
  await other.query("insert into wanted values (2)");
  expect((await other.query("select n from wanted")).rows).toEqual([{ n: 2 }]);
  await other.close();
});

test("copy takes rows across chunk borders and counts them", async () => {
  await db.query("create table copied (n int, name text)");
  const copied = await db.copyFrom("copy copied from stdin", chunksOf("1\to", "ne\n2\t", "two\n"));
  expect(copied).toBe(2);
  expect((await db.query("select * from copied order by n")).rows).toEqual([
    { n: 1, name: "one" },
    { n: 2, name: "two" },
  ]);
});

test("a copy that the server refuses leaves a usable transaction end and connection", async () => {
  await db.query("create table refused (n int)");
  await expect(
    db.transaction((tx) => tx.copyFrom("copy refused from stdin", chunksOf("1\n", "x\n", "3\n"))),
  ).rejects.toMatchObject({ code: "22P02" });
  expect((await db.query("select n from refused")).rows).toEqual([]);
});

test("a copy whose source fails reports that failure and stores nothing", async () => {
  await db.query("create table half (n int)");
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("1\n");
    throw new Error("the body ended early");
  }
  const attempt = db.transaction((tx) => tx.copyFrom("copy half from stdin", failing()));
  await expect(attempt).rejects.toThrow("the body ended early");
  expect((await db.query("select n from half")).rows).toEqual([]);
});

test("a statement cut off is database_unavailable, and the pool recovers", async () => {
  const cut = (pid: number): Promise<unknown> => db.query("select pg_terminate_backend($1)", [pid]);
  const attempt = db.transaction(async (tx) => {
    const { rows } = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
    const sleeping = tx.query("select pg_sleep(60)");
    await Promise.all([sleeping, cut(rows[0]?.pid ?? 0)]);
  });
  await expect(attempt).rejects.toMatchObject({ code: "database_unavailable", retryable: true });
  await expect(db.query("select 1 as one")).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

test("a connection cut in the middle of a copy is database_unavailable", async () => {
  await db.query("create table cut_copy (n int)");
  const attempt = db.transaction(async (tx) => {
    const { rows } = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
    async function* cutting(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("1\n");
      await db.query("select pg_terminate_backend($1, 5000)", [rows[0]?.pid]);
      for (let n = 2; n < 100_000; n++) yield Buffer.from(`${n}\n`);
    }
    return tx.copyFrom("copy cut_copy from stdin", cutting());
  });
  await expect(attempt).rejects.toMatchObject({ code: "database_unavailable" });
  expect((await db.query("select n from cut_copy")).rows).toEqual([]);
});

test("idle connections cut by the server are replaced without ending the process", async () => {
  const broken: Error[] = [];
  const other = await openDatabase({
    connectionString: db.connectionString,
    maxConnections: 2,
    applicationName: "cut while idle",
    onConnectionError: (error) => broken.push(error),
  });
  await db.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut while " +
      "idle'",
  );
  await waitFor(() => broken.length > 0, { describe: "the pool to notice" });
  expect((await other.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await other.close();
});

test("a server that is not there is database_unavailable and retryable", async () => {
  const attempt = openDatabase({
    connectionString: "postgresql:///x?host=/nonexistent&user=x",
    maxConnections: 1,
  });
  const error = await attempt.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: "database_unavailable", retryable: true });
});

test("a database that does not exist is not retryable", async () => {
  const url = new URL(db.connectionString);
  url.pathname = "/no_such_database";
  const attempt = openDatabase({ connectionString: url.toString(), maxConnections: 1 });
  await expect(attempt).rejects.toMatchObject({ code: "database_unavailable", retryable: false });
});

test("statements past their limit are ended by the server", async () => {
  const hasty = await openDatabase({
    connectionString: db.connectionString,
    maxConnections: 1,
    statementTimeoutMs: 50,
  });
  const attempt = hasty.query("select pg_sleep(60)");
  await expect(attempt).rejects.toMatchObject({ code: "database_unavailable", retryable: true });
  await hasty.close();
});

test("a listener hears, and comes back after its connection was cut", async () => {
  const heard: string[] = [];
  const listening = await openDatabase({
    connectionString: db.connectionString,
    maxConnections: 1,
    applicationName: "listening",
  });
  const listener = await listening.listen("wake", (payload) => heard.push(payload));
  await db.query("select pg_notify('wake', 'first')");
  await waitFor(() => heard.includes("first"), { describe: "the first notification" });
  await db.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listening'",
  );
  await waitFor(
    async () => {
      await db.query("select pg_notify('wake', 'second')");
      await delay(20);
      return heard.includes("second");
    },
    { describe: "a notification after the break" },
  );
  await listener.close();
  await listening.close();
});

test("the pool reports its size, and closing is idempotent", async () => {
  const pool = await openDatabase({ connectionString: db.connectionString, maxConnections: 3 });
  await Promise.all([1, 2, 3, 4].map(() => pool.query("select pg_sleep(0.01)")));
  expect(pool.poolStats()).toEqual({
    maxConnections: 3,
    openConnections: 3,
    idleConnections: 3,
    waitingCallers: 0,
  });
  await Promise.all([pool.close(), pool.close()]);
  await expect(pool.query("select 1")).rejects.toMatchObject({ code: "database_unavailable" });
});
