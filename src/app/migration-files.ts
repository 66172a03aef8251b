// Reads migrations/NNNN_name.sql. Order and number come from the file's name and nothing else.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Migration } from "../store/migrate.ts";

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;
// A migration shares its transaction with the row that records it; these words would end that
// transaction early. (`begin` inside a function body has no semicolon.)
const ENDS_TRANSACTION =
  /^\s*(begin|start transaction|commit|end|rollback|abort)\s*(work|transaction)?\s*;/im;

/**
 * The migrations in `directory`, in order.
 * @throws Error for a file with another kind of name, two of one number, or one that ends its own
 * transaction
 */
export async function readMigrationFiles(directory: string): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).toSorted();
  return Promise.all(names.map((name) => readMigrationFile(directory, name)));
}

async function readMigrationFile(directory: string, fileName: string): Promise<Migration> {
  const match = FILE_NAME.exec(fileName);
  if (match === null) {
    throw new Error(`${join(directory, fileName)} is not named like 0007_what_it_does.sql.`);
  }
  const sql = await readFile(join(directory, fileName), "utf8");
  const withoutBodies = sql.replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''");
  const end = ENDS_TRANSACTION.exec(withoutBodies);
  if (end !== null) {
    throw new Error(
      `${fileName} holds "${end[0].trim()}". ` +
        "Migrations run inside a transaction and must not end it.",
    );
  }
  return { number: Number(match[1]), name: match[2] ?? "", sql };
}
