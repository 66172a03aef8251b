// The walls stand in this project, and the checker sees each kind of hole: a check that can't fail
// checks nothing.

import { expect, test } from "vitest";
import { ROOMS } from "../scripts/import-table.ts";
import { checkWalls } from "../scripts/walls.ts";
import { plantTree } from "./support/planted-tree.ts";

const VALUE = "export const value = 1;\n";

function messagesFor(files: Readonly<Record<string, string>>): string[] {
  return checkWalls(plantTree(files)).findings.map((it) => `${it.file}: ${it.message}`);
}

test("this project keeps to the import table", () => {
  const report = checkWalls(process.cwd());

  expect(report.findings).toEqual([]);
  expect(report.modulesRead).toBeGreaterThan(50);
});

test("every room of the table is a folder once, and none lies in another", () => {
  const folders = ROOMS.map((room) => room.folder);

  expect(new Set(folders).size).toBe(folders.length);
  expect(folders.filter((a) => folders.some((b) => a !== b && a.startsWith(`${b}/`)))).toEqual([]);
});

test("an empty tree is read as nothing, which the command takes for a failure", () => {
  expect(checkWalls(plantTree({}))).toEqual({ modulesRead: 0, findings: [] });
});

test.for([
  ["src/domain/a.ts", "src/ports/b.ts"],
  ["src/domain/a.ts", "src/store/b.ts"],
  ["src/store/a.ts", "src/engine/b.ts"],
  ["src/engine/a.ts", "src/agent/b.ts"],
  ["src/agent/a.ts", "src/store/b.ts"],
  ["src/carrier/twilio/a.ts", "src/store/b.ts"],
  ["src/model/a.ts", "src/carrier/b.ts"],
  ["src/jobs/a.ts", "src/http/b.ts"],
  ["src/http/a.ts", "src/engine/claim.ts"],
  ["src/http/a.ts", "src/carrier/twilio/twilio-carrier.ts"],
  ["src/simulator/a.ts", "src/carrier/twilio/webhooks.ts"],
  ["src/simulator/a.ts", "src/engine/engine.ts"],
  ["src/cli/a.ts", "src/domain/b.ts"],
  ["src/cli/a.ts", "src/http/server.ts"],
  ["src/engine/a.ts", "src/app/b.ts"],
] as const)("%s may not import %s", ([from, to]) => {
  const up = "../".repeat(from.split("/").length - 2);
  const specifier = `${up}${to.slice("src/".length)}`;
  for (const statement of [
    `import { value } from "${specifier}";\nexport const b = value;`,
    `import type { value } from "${specifier}";\nexport type B = typeof value;`,
    `export const b = await import("${specifier}");`,
    `export type B = typeof import("${specifier}").value;`,
    `export const own = 1;\nexport { value } from "${specifier}";`,
    `export const own = 1;\nexport * from "${specifier}";`,
  ]) {
    const [message, ...others] = messagesFor({ [from]: statement, [to]: VALUE });
    expect(message, statement).toMatch(/^.*: src\/\w+ may not import src\//);
    expect(others).toEqual([]);
  }
});

test("what the table allows passes", () => {
  const files = {
    "src/domain/a.ts": VALUE,
    "src/ports/b.ts": 'import type { value } from "../domain/a.ts";\nexport type B = typeof value;',
    "src/engine/engine.ts": 'import { value } from "../domain/a.ts";\nexport const b = value;',
    "src/http/a.ts": 'import { b } from "../engine/engine.ts";\nexport const c = b;',
    "src/app/a.ts": 'import { c } from "../http/a.ts";\nimport "zod";\nexport const d = c;',
    "src/http/contract/a.ts": VALUE,
    "dashboard/src/a.ts":
      'import type { value } from "../../src/http/contract/a.ts";\nexport type A = typeof value;',
  };

  expect(messagesFor(files)).toEqual([]);
});

test("ports and the dashboard import types only", () => {
  const found = messagesFor({
    "src/domain/a.ts": VALUE,
    "src/ports/b.ts": 'import { value } from "../domain/a.ts";\nexport const b = value;',
    "src/http/contract/a.ts": VALUE,
    "dashboard/src/a.ts":
      'import { value } from "../../src/http/contract/a.ts";\nexport const a = value;',
  });

  expect(found).toEqual([
    expect.stringContaining("dashboard may not import src/http/contract/a.ts except with"),
    expect.stringContaining("src/ports may not import src/domain/a.ts except with `import type`"),
  ]);
});

test("a cycle is found, through types too", () => {
  const found = messagesFor({
    "src/domain/a.ts": 'import { b } from "./b.ts";\nexport const a = b;',
    "src/domain/b.ts": 'import { c } from "./c.ts";\nexport const b = c;',
    "src/domain/c.ts":
      'import type { a } from "./a.ts";\nexport const c = 1;\nexport type A = typeof a;',
  });

  expect(found).toEqual([
    "src/domain/a.ts: cycle: src/domain/a.ts → src/domain/b.ts → src/domain/c.ts → src/domain/a.ts",
  ]);
});

test.for([
  'export * from "./value.ts";',
  'export { value } from "./value.ts";',
  'import { value } from "./value.ts";\nexport { value };',
])("a file that only re-exports is found: %s", (text) => {
  const found = messagesFor({ "src/domain/all.ts": text, "src/domain/value.ts": VALUE });

  expect(found).toEqual([expect.stringContaining("src/domain/all.ts: only re-exports")]);
});

test("a room outside the table, a missing file and a stray file are found", () => {
  const found = messagesFor({
    "src/cellar/a.ts": VALUE,
    "src/stray.ts": VALUE,
    "src/domain/a.ts": 'import { b } from "./nowhere.ts";\nexport const a = b;',
  });

  expect(found).toEqual([
    "src/cellar/a.ts: belongs to no room of the import table",
    "src/domain/a.ts: imports ./nowhere.ts, which does not exist",
    "src/stray.ts: belongs to no room of the import table",
  ]);
});

test("packages stay in their rooms, and none is missing once installed", () => {
  const found = messagesFor({
    "src/app/a.ts":
      'import "twilio/lib/x.js";\nimport "vitest";\nimport "node:fs";\nexport const a = 1;',
    "src/engine/a.ts": 'import "node:fs/promises";\nexport const a = 1;',
    "src/http/a.ts": 'import "pg";\nexport const a = 1;',
  });

  expect(found).toEqual([
    "src/app/a.ts: twilio belongs to src/carrier/twilio/**",
    "src/app/a.ts: vitest is not among the dependencies that an installed carillon has",
    "src/engine/a.ts: src/engine may not import node:fs: it does no I/O of its own",
    "src/http/a.ts: pg belongs to src/app/**, src/store/**",
  ]);
});

test("a file that can't be parsed stops the check", () => {
  const root = plantTree({ "src/domain/a.ts": "export const = ;" });

  expect(() => checkWalls(root)).toThrow("src/domain/a.ts can't be parsed");
});
