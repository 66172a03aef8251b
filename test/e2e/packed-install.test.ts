// What npm publishes, installed as a user installs it: without development dependencies, without
// install scripts, by the Node that the machine has. Then it is run.

import { execFile, spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import { findOlderNode, isOlder, outsidePath } from "../support/older-node.ts";
import { waitFor } from "../support/wait-for.ts";

const run = promisify(execFile);
const older = findOlderNode();

// Packing builds and installing fetches from the registry: minutes at worst, on a slow line.
const INSTALL_TIMEOUT_MS = 240_000;

// The first start makes a database cluster.
const START_TIMEOUT_MS = 60_000;

let root = "";
let launcher = "";

/** The environment of a shell outside this checkout: nothing of npm's, Vitest's or our settings. */
function userEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const ours = /^(npm_|vitest|node_options$|node_env$|carillon_|database_url$|twilio_)/i;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), PATH: outsidePath(), ...extra };
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  try {
    await run("npm", args, { cwd, env: userEnvironment(), timeout: INSTALL_TIMEOUT_MS });
  } catch (cause) {
    // What the build had to say is in its output, not in the error.
    const { stdout } = cause as { readonly stdout?: string };
    throw new Error(`npm ${args.join(" ")} failed:\n${stdout ?? ""}`, { cause });
  }
}

beforeAll(async () => {
  root = makeTemporaryDataDirectory("carillon-packed-");
  const project = join(root, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{"name":"a-project","private":true}');
  // The build runs on Node 26, as `npm publish` would run it in this checkout.
  await npm(["pack", "--pack-destination", root], process.cwd());
  const tarball = readdirSync(root).find((it) => it.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball");
  await npm(["install", "--omit=dev", "--ignore-scripts", join(root, tarball)], project);
  launcher = join(project, "node_modules/carillon/bin/carillon.mjs");
}, INSTALL_TIMEOUT_MS * 2);

afterAll(() => rmSync(root, { recursive: true, force: true }));

async function carillon(...args: string[]): Promise<string> {
  const options = { cwd: join(root, "project"), env: userEnvironment() };
  const { stdout } = await run(older.path, [launcher, ...args], options);
  return stdout;
}

// Where the machine itself has Node 26, the way through the launcher is not shown here.
test.skipIf(!isOlder(older))("the machine's Node is older than the one Carillon needs", () => {
  expect(older.major).toBeLessThan(26);
});

test("the tarball holds what runs and nothing of the workshop", () => {
  const installed = join(root, "project/node_modules/carillon");

  expect(readdirSync(installed).sort()).toEqual(
    expect.arrayContaining(["LICENSE", "bin", "dist", "migrations", "package.json"]),
  );
  expect(readdirSync(installed)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(src|test|scripts|node_modules)$/)]),
  );
  expect(readdirSync(join(root, "project/node_modules"))).not.toContain("vitest");
});

test("it knows its version and its settings", async () => {
  expect(await carillon("--version")).toBe(`${manifest.version}\n`);
  expect(await carillon("config")).toContain("CARILLON_PORT");
});

test("npx finds the command", async () => {
  const { stdout } = await run("npx", ["--no-install", "carillon", "--version"], {
    cwd: join(root, "project"),
    env: userEnvironment(),
  });

  expect(stdout).toContain(manifest.version);
});

test("it serves, and stops when it is told to", async () => {
  const child = spawn(older.path, [launcher, "serve"], {
    cwd: join(root, "project"),
    env: userEnvironment({ CARILLON_PORT: "0", CARILLON_DATA_DIR: join(root, "data") }),
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise((resolve) => child.on("close", (code) => resolve(code)));

  const url = await waitFor(() => /listens on (http:\/\/\S+?)[\s.]* with/.exec(output)?.[1], {
    timeoutMs: START_TIMEOUT_MS,
    describe: () => `the line that names the address, in:\n${output}`,
  });
  const isHealthy = await waitFor(async () => (await fetch(`${url}/v1/health`)).status === 200, {
    describe: "a healthy answer",
  });
  expect(isHealthy).toBe(true);

  child.kill("SIGTERM");
  expect(await ended, output).toBe(0);
});
