// The Node that a user's machine has, beside the one that npm installed for us.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface InstalledNode {
  readonly path: string;
  readonly major: number;
}

const MINIMUM_MAJOR = 26;

/**
 * The first `node` of PATH that did not come with a package. Where there is none, the one that runs
 * the tests: then what is to be shown about an older Node is not shown, and the test says so.
 */
export function findOlderNode(): InstalledNode {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const outside = folders.filter((it) => it !== "" && !it.includes("node_modules"));
  const path = outside.map((it) => join(it, "node")).find((it) => existsSync(it));
  const node = path ?? process.execPath;
  const version = execFileSync(node, ["--version"], { encoding: "utf8" });
  return { path: node, major: Number(/^v(\d+)\./.exec(version)?.[1]) };
}

export function isOlder(node: InstalledNode): boolean {
  return node.major < MINIMUM_MAJOR;
}

/** PATH without any package's own commands: what a shell outside the checkout sees. */
export function outsidePath(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.filter((it) => !it.includes("node_modules")).join(delimiter);
}
