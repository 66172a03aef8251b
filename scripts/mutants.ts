// npm run mutants [-- --only NAME]
// Plants each bug of test/simulation/mutants in a copy of the sources and simulates until a rule
// breaks. A bug that lives through the seeds its patch states is one that the rules do not see: the
// run fails. The sources themselves are never touched.

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { startTemporaryCluster } from "../test/support/temporary-cluster.ts";

interface Mutant {
  readonly name: string;
  readonly file: string;
  /** What it breaks. */
  readonly why: string;
  /** It is caught within the first so many seeds. */
  readonly seeds: number;
}

interface Outcome {
  readonly mutant: Mutant;
  /** null: it lived. */
  readonly caught: { readonly seed: string; readonly rule: string } | null;
  readonly seconds: number;
}

const ROOT = resolve(import.meta.dirname, "..");
const PATCHES = join(ROOT, "test/simulation/mutants");
const COPIED = ["src", "test", "scripts", "bin", "migrations", "package.json"];
// A mutant may make an endless loop; nothing that is caught takes nearly as long.
const TIMEOUT_MS = 15 * 60_000;

const { values } = parseArgs({ options: { only: { type: "string" } } });
const mutants = readdirSync(PATCHES)
  .filter((name) => name.endsWith(".patch"))
  .toSorted()
  .map(readMutant)
  .filter((mutant) => values.only === undefined || mutant.name === values.only);

const copy = mkdtempSync(join(tmpdir(), "carillon-mutants-"));
const cluster = await startTemporaryCluster();
const outcomes: Outcome[] = [];
try {
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  for (const mutant of mutants) {
    const outcome = await tryMutant(mutant, cluster.url);
    outcomes.push(outcome);
    console.log(rowOf(outcome));
  }
} finally {
  await cluster.stop();
  rmSync(copy, { recursive: true, force: true });
}
const lived = outcomes.filter((outcome) => outcome.caught === null);
console.log(`${outcomes.length} mutants, ${lived.length} lived`);
process.exitCode = lived.length === 0 && outcomes.length > 0 ? 0 : 1;

function readMutant(fileName: string): Mutant {
  const file = join(PATCHES, fileName);
  const text = readFileSync(file, "utf8");
  const why = /^# (.+)$/m.exec(text)?.[1];
  const seeds = /^# Caught within (\d+) seeds\.$/m.exec(text)?.[1];
  if (why === undefined || seeds === undefined) {
    throw new Error(`${fileName} must say what it breaks and "# Caught within N seeds."`);
  }
  return { name: fileName.replace(/\.patch$/, ""), file, why, seeds: Number(seeds) };
}

async function tryMutant(mutant: Mutant, clusterUrl: string): Promise<Outcome> {
  const startedAt = performance.now();
  await mustRun("git", ["apply", mutant.file]);
  const { code, output } = await run(process.execPath, [
    "scripts/simulate.ts",
    ...["--from", "1", "--seeds", String(mutant.seeds), "--stop-at-first"],
    ...["--database-url", clusterUrl],
  ]);
  await mustRun("git", ["apply", "--reverse", mutant.file]);
  const found = /^seed (\d+) broke "([^"]+)"/m.exec(output);
  if (found === null && !output.includes("every rule held")) {
    throw new Error(`${mutant.name}: the simulation ended with ${code}:\n${output}`);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const caught = found === null ? null : { seed: found[1] ?? "", rule: found[2] ?? "" };
  return { mutant, caught, seconds };
}

function rowOf({ mutant, caught, seconds }: Outcome): string {
  const end =
    caught === null ? `LIVED ${mutant.seeds} seeds` : `seed ${caught.seed}: ${caught.rule}`;
  return `${mutant.name.padEnd(28)} ${`${seconds.toFixed(0)} s`.padStart(6)}  ${end}`;
}

async function mustRun(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}:\n${output}`);
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number | string | null; readonly output: string }> {
  const child = spawn(command, args, {
    cwd: copy,
    timeout: TIMEOUT_MS,
    stdio: ["ignore", "pipe", "pipe"],
    // The copy lies in no repository, whatever lies above the temporary directory.
    env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolveRun, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolveRun({ code: code ?? signal, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}
