// `npm run check`: everything about the source that can be told without running it.
// Every step runs even when one before it failed, so that one run shows all there is to mend.

import { spawnSync } from "node:child_process";

const STEPS: readonly {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}[] = [
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "lint", command: ["oxlint"] },
  { name: "walls", command: ["node", "scripts/walls.ts"] },
  { name: "tidy", command: ["node", "scripts/tidy.ts"] },
  { name: "format", command: ["oxfmt", "--check"] },
];

// No step needs a minute; one that hangs must not hang everything after it.
const STEP_TIMEOUT_MS = 300_000;

const failed: string[] = [];
for (const { name, command } of STEPS) {
  const [file, ...args] = command;
  const result = spawnSync(file, args, {
    encoding: "utf8",
    timeout: STEP_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === "win32",
  });
  if (result.status === 0) {
    console.log(`ok    ${name}`);
    continue;
  }
  failed.push(name);
  const reason = result.error === undefined ? "" : `${result.error.message}\n`;
  console.log(`FAIL  ${name}\n${reason}${result.stdout}${result.stderr}`);
}
console.log(failed.length === 0 ? "check: all ok" : `check: ${failed.join(", ")} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
