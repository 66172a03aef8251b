// What a linter can't say holds for this project, and each rule sees the fault it is for.

import { expect, test } from "vitest";
import { checkTidy } from "../scripts/tidy.ts";
import { plantTree } from "./support/planted-tree.ts";

const HEADER = "// What the file is for.\n";

/** Findings of one planted file, without the file's name. */
function findingsIn(path: string, text: string): string[] {
  const report = checkTidy(plantTree({ [path]: text }));
  return report.findings.map((it) => `${it.line}: ${it.message}`);
}

test("this project is tidy", () => {
  const report = checkTidy(process.cwd());

  expect(report.findings.map((it) => `${it.file}:${it.line}: ${it.message}`)).toEqual([]);
  expect(report.modulesRead).toBeGreaterThan(50);
});

test("an empty tree is read as nothing, which the command takes for a failure", () => {
  expect(checkTidy(plantTree({})).modulesRead).toBe(0);
});

test("a file without fault passes", () => {
  const text = `${HEADER}\nexport function ringTimeout(modelProvider: string): Date {
  // TODO(#12): later
  return new Date(modelProvider);
}\n`;

  expect(findingsIn("src/domain/ring-timeout.ts", text)).toEqual([]);
});

const AT_FAULT: readonly (readonly [path: string, body: string, finding: string])[] = [
  ["src/domain/a.ts", `// ${"x".repeat(98)}`, "2: 101 columns; the limit is 100"],
  [
    "src/domain/a.ts",
    `export const a = [${"1, ".repeat(28)}];`,
    "2: 104 columns; the limit is 100",
  ],
  [
    "src/domain/a.ts",
    "export const a = `" + "x".repeat(111) + "`;",
    "2: 131 columns; the limit is 130",
  ],
  ["src/domain/a.ts", "// TODO: later", "2: left undone without an issue number"],
  ["src/domain/call-utils.ts", "", '1: "utils" says nothing'],
  ["src/domain/base.ts", "", '1: "base" says nothing'],
  ["src/domain/CallLife.ts", "", '1: "CallLife" is not kebab-case'],
  ["src/domain/call_life.ts", "", '1: "call_life" is not kebab-case'],
  ["src/domain/list.json", "{}", "1: src holds .ts files only"],
  ["src/http/a.ts", "export interface A { customerName: string }", "the word is recipient"],
  ["src/http/a.ts", "export const leads = [];", "the word is recipient"],
  ["src/http/a.ts", "export function find(msisdn: string) { return msisdn; }", "the word is phone"],
  ["src/http/a.ts", "export const { x: vendorName } = { x: 1 };", "the word is carrier"],
  ["src/http/a.ts", "export type Blocklist = string[];", "the word is suppression"],
  ["src/http/a.ts", "export const a = (botName: string) => botName;", "the word is agent"],
  ["src/engine/a.ts", "export const nextJob = 1;", "the word is call"],
  ["src/engine/a.ts", "export const a = new Date();", "reads the machine's clock"],
  ["src/agent/a.ts", "export const a = Date();", "reads the machine's clock"],
  ["src/domain/a.ts", "export async function a() {}", "waits for something"],
  ["src/app/a.ts", 'export const a = new URL("./b.ts", import.meta.url);', "is missing once built"],
  ["src/store/a.ts", 'export const a = "select now()";', "reads the server's clock"],
  ["src/store/a.ts", "export const a = `set x = clock_timestamp()`;", "reads the server's clock"],
  ["src/store/a.ts", 'export const a = "select pg_try_advisory_lock(1)";', "a session-level lock"],
  ["src/http/a.ts", 'export const a = "select x from calls";', "a statement outside src/store"],
  ["src/http/a.ts", "export const a = `update calls set x = 1`;", "a statement outside src/store"],
  ["migrations/0001_a.sql", "x timestamptz default now()", "2: reads the server's clock"],
  ["migrations/0001_a.sql", "create table leads (x int);", "the word is recipient"],
  ["migrations/0002_a.sql", "select 1;", "the name must be 0001_"],
  ["test/a.test.ts", 'test("a", () => {});', "expects nothing"],
  ["test/a.test.ts", '\ntest.skip("a", () => {});\nexpect(1);', "3: skips without"],
  ["test/a.test.ts", 'test("a", (context) => context.skip());\nexpect(1);', "2: skips without"],
  ["docs/a.md", `see ${["", "root", "x"].join("/")}`, "2: names one machine's place"],
];

test.for(AT_FAULT)("%s with: %s", ([path, body, finding]) => {
  const isText = /\.(md|json|sql)$/.test(path);
  const found = findingsIn(path, isText ? `\n${body}` : `${HEADER}${body}\n`);

  expect(found).toEqual([expect.stringContaining(finding)]);
});

test("a file without a comment at its head is found", () => {
  expect(findingsIn("src/domain/a.ts", "export const a = 1;\n")).toEqual([
    expect.stringContaining("opens without a comment"),
  ]);
});

test("what looks like a fault and is none passes", () => {
  const fine: readonly (readonly [path: string, body: string])[] = [
    ["src/app/embedded-postgres-owner.ts", 'export const a = "select pg_advisory_lock(1)";'],
    ["src/store/a.ts", 'export const a = "select pg_advisory_xact_lock(1)"; // now()'],
    ["src/carrier/twilio/a.ts", "export const ttsProvider = 1;"],
    ["src/http/a.ts", `export const a = "${"x".repeat(110)}";`],
    ["src/http/base-url.ts", "export const leadingZero = 1;"],
    ["src/http/a.ts", "export const a = { customer: 1 };"],
    ["src/app/a.ts", 'export const a = new URL("../../", import.meta.url);'],
    ["test/a.test.ts", '// It needs root.\ntest.skipIf(x)("a", () => {});\nexpect(1);'],
    ["test/a.test.ts", 'test("a", ({ skip }) => context.skip("needs root"));\nexpect(1);'],
  ];
  for (const [path, body] of fine) expect(findingsIn(path, `${HEADER}${body}\n`)).toEqual([]);
});

test("the page of error codes and the catalogue must agree", () => {
  const catalogue = `${HEADER}export const ERROR_STATUS = {
  not_found: 404, server_error: 500, server_busy: 503,
} as const satisfies Record<string, number>;\n`;
  const page =
    "| `not_found` | 404 | no | x |\n| `server_error` | 400 | no | x |\n| `gone` | 410 | x |\n";
  const root = plantTree({ "src/domain/app-error.ts": catalogue, "docs/errors.md": page });

  expect(checkTidy(root).findings.map((it) => it.message)).toEqual([
    '"server_error" is 500, not 400',
    '"server_busy" is not on the page',
    '"gone" is on the page but in no code',
  ]);
});
