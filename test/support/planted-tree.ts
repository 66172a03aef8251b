// A small project in a temporary place, for checkers to find planted faults in.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

const MANIFEST = JSON.stringify({ dependencies: { zod: "1.0.0", twilio: "1.0.0", pg: "1.0.0" } });

/**
 * Writes the files (path from the root → text) and answers the root. Removed when the test ends.
 */
export function plantTree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "carillon-planted-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ "package.json": MANIFEST, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
