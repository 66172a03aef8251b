// Reading the migrations folder: names, order, and what a migration must not hold.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readMigrationFiles } from "../../src/app/migration-files.ts";

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "carillon-migrations-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await Promise.all(
    Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)),
  );
  return folder;
}

test("files are read in the order of their numbers", async () => {
  const folder = await folderWith({
    "0002_more.sql": "select 2",
    "0001_first_tables.sql": "select 1",
  });
  expect(await readMigrationFiles(folder)).toEqual([
    { number: 1, name: "first_tables", sql: "select 1" },
    { number: 2, name: "more", sql: "select 2" },
  ]);
});

test("a file with another kind of name is refused", async () => {
  const folder = await folderWith({ "1_first.sql": "select 1" });
  await expect(readMigrationFiles(folder)).rejects.toThrow(
    "is not named like 0007_what_it_does.sql",
  );
});

test("a migration that would end its transaction is refused", async () => {
  const folder = await folderWith({
    "0001_first.sql": "create table a ();\nCommit;\ncreate table b ();",
  });
  await expect(readMigrationFiles(folder)).rejects.toThrow('0001_first.sql holds "Commit;"');
});

test("the body of a function may begin and end", async () => {
  const sql =
    "create function f() returns int language plpgsql as $body$\nbegin\n return 1;\nend;\n$body$;";
  const folder = await folderWith({ "0001_first.sql": sql });
  expect(await readMigrationFiles(folder)).toHaveLength(1);
});

test("the product's own migrations are readable and numbered without gaps", async () => {
  const found = await readMigrationFiles(join(import.meta.dirname, "../../migrations"));
  expect(found.map((migration) => migration.number)).toEqual(found.map((_, index) => index + 1));
  expect(found.length).toBeGreaterThan(0);
});
