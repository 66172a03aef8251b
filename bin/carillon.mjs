#!/usr/bin/env node
// Starts Carillon on Node 26, whatever Node started this file (18 or newer).

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isNewEnough, packagedNode, runInPlace } from "./packaged-node.mjs";

// A checkout has the sources, which Node 26 runs as they are; the published package has the build
// only.
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "src", "cli", "main.ts");
const entryPoint = existsSync(source) ? source : join(root, "dist", "cli", "main.js");

if (isNewEnough()) {
  await import(pathToFileURL(entryPoint).href);
} else {
  runInPlace(packagedNode(), [entryPoint, ...process.argv.slice(2)]);
}
