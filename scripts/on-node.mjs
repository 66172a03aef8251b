// Runs one of this repository's commands where `node` is Node 26, whatever Node started npm:
// node scripts/on-node.mjs COMMAND [ARGUMENT…]
// Plain JavaScript that Node 18 reads, like what it uses.

import { delimiter, dirname } from "node:path";
import { isNewEnough, packagedNode, runInPlace } from "../bin/packaged-node.mjs";

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error("usage: node scripts/on-node.mjs COMMAND [ARGUMENT…]");

const path = process.env.PATH ?? "";
const folder = isNewEnough() ? null : dirname(packagedNode());
const env = { ...process.env, PATH: folder === null ? path : folder + delimiter + path };

// On Windows the commands of packages are scripts, which only a shell starts.
runInPlace(command, args, { env, shell: process.platform === "win32" });
