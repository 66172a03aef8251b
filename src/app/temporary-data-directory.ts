// A data directory for a database that nobody wants to keep: the demo's and the tests'.

import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Makes an empty directory in `parent`, by default the system's temporary one. Others may pass
 * through it, because the database's user has to (see embedded-postgres-user.ts). Whoever makes it
 * removes it.
 */
export function makeTemporaryDataDirectory(prefix: string, parent: string = tmpdir()): string {
  const directory = mkdtempSync(join(parent, prefix));
  chmodSync(directory, 0o711);
  return directory;
}
