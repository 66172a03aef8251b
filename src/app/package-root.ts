// Where the package lies on disk, and which version it is. src/ and dist/ mirror each other file
// for file, so one relative step is right in both. Nothing else may assume where it was started
// from: the working directory belongs to the user.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Absolute path of the folder that holds package.json, migrations/ and examples/, in a checkout or
 * installed.
 */
export function packageRoot(): string {
  return fileURLToPath(new URL("../../", import.meta.url));
}

/** The version in package.json. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  const version = (manifest as { readonly version?: unknown }).version;
  if (typeof version !== "string") throw new Error("package.json holds no version");
  return version;
}
