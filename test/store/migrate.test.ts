// Migrations: forward, once each, by one process at a time, and never under a newer schema.

import { expect, test } from "vitest";
import type { Migration } from "../../src/store/migrate.ts";
import { migrate, readSchemaState } from "../../src/store/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const NOW = Date.UTC(2026, 5, 1);
const FIRST: Migration = {
  number: 1,
  name: "fruit",
  sql: "create table fruit (name text primary key); insert into fruit values ('apple');",
};
const SECOND: Migration = {
  number: 2,
  name: "weight",
  sql: "alter table fruit add column weight_grams int;",
};
const BROKEN: Migration = {
  number: 2,
  name: "broken",
  sql: "create table half (n int); select no_such_function();",
};

async function onEmptyDatabase(check: (db: TestDatabase) => Promise<void>): Promise<void> {
  const { db, drop } = await createTestDatabase({ isEmpty: true });
  try {
    await check(db);
  } finally {
    await drop();
  }
}

test("applies what is missing, in order, and records when", () =>
  onEmptyDatabase(async (db) => {
    expect(await readSchemaState(db, [FIRST])).toEqual({ current: 0, latest: 1 });
    expect(await migrate(db, [FIRST], NOW)).toEqual({ applied: [1] });
    expect(await migrate(db, [FIRST, SECOND], NOW + 1)).toEqual({ applied: [2] });
    expect(await migrate(db, [FIRST, SECOND], NOW + 2)).toEqual({ applied: [] });
    expect(await readSchemaState(db, [FIRST, SECOND])).toEqual({ current: 2, latest: 2 });
    const { rows } = await db.query("select * from schema_migrations order by number");
    expect(rows).toEqual([
      { number: 1, name: "fruit", applied_at: NOW },
      { number: 2, name: "weight", applied_at: NOW + 1 },
    ]);
  }));

test("processes that start at once apply each migration once", () =>
  onEmptyDatabase(async (db) => {
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => migrate(db, [FIRST, SECOND], NOW)));
    const applied = outcomes.flatMap((outcome) => outcome.applied);
    expect(applied.toSorted((a, b) => a - b)).toEqual([1, 2]);
    expect((await db.query("select name from fruit")).rows).toEqual([{ name: "apple" }]);
  }));

test("a migration that fails leaves nothing of itself", () =>
  onEmptyDatabase(async (db) => {
    await expect(migrate(db, [FIRST, BROKEN], NOW)).rejects.toMatchObject({ code: "42883" });
    expect(await readSchemaState(db, [FIRST, BROKEN])).toEqual({ current: 1, latest: 2 });
    expect((await db.query("select to_regclass('half') as half")).rows).toEqual([{ half: null }]);
  }));

test("a schema newer than the code is refused and left alone", () =>
  onEmptyDatabase(async (db) => {
    await migrate(db, [FIRST, SECOND], NOW);
    await expect(migrate(db, [FIRST], NOW)).rejects.toThrow(
      "The database has schema 2, this Carillon knows 1. Start the newer version",
    );
  }));

test("a schema made by other migrations is refused", () =>
  onEmptyDatabase(async (db) => {
    await migrate(db, [FIRST], NOW);
    await expect(migrate(db, [{ ...FIRST, name: "vegetables" }], NOW)).rejects.toThrow(
      'it has migration 1 "fruit" where this Carillon has 1 "vegetables"',
    );
  }));

test("numbers with a gap are refused before anything is done", () =>
  onEmptyDatabase(async (db) => {
    await expect(migrate(db, [FIRST, { ...SECOND, number: 3 }], NOW)).rejects.toThrow(
      "stands where number 2 belongs",
    );
    expect(await readSchemaState(db, [FIRST])).toEqual({ current: 0, latest: 1 });
  }));
