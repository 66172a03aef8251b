// A migrated database of its own for a test file, or an empty one. Cloning the template takes some
// tens of milliseconds.

import { afterAll, inject } from "vitest";
import { openDatabase, type OpenDatabase } from "../../src/app/database.ts";
import { TEMPLATE_DATABASE, withDatabase } from "./database-urls.ts";

/** An open database. `connectionString` serves child processes as DATABASE_URL. */
export interface TestDatabase extends OpenDatabase {
  readonly connectionString: string;
}

export interface TestDatabaseOptions {
  /** Default 8. */
  readonly maxConnections?: number;
  /** True: no tables at all. Default: all migrations applied. */
  readonly isEmpty?: boolean;
}

let databasesOfThisFile = 0;

/**
 * Call it at the top of a test file: `const db = await testDatabase();`. It is closed and dropped
 * after the file's last test. Tests of one file share it, so each uses keys and numbers of its own.
 */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const created = await createTestDatabase(options);
  afterAll(created.drop);
  return created.db;
}

/** As `testDatabase`, for use inside a test: the caller drops it. */
export async function createTestDatabase(
  options: TestDatabaseOptions = {},
): Promise<{ readonly db: TestDatabase; readonly drop: () => Promise<void> }> {
  const clusterUrl = inject("clusterUrl");
  databasesOfThisFile += 1;
  // One worker process runs several files, each of which loads this module afresh.
  const name = `test_${process.pid}_${Date.now()}_${databasesOfThisFile}`;
  const template = options.isEmpty === true ? "template0" : TEMPLATE_DATABASE;
  await runOnCluster(clusterUrl, `create database ${name} template ${template}`);
  const connectionString = withDatabase(clusterUrl, name);
  const open = await openDatabase({
    connectionString,
    maxConnections: options.maxConnections ?? 8,
    applicationName: "carillon test",
  });
  const drop = async (): Promise<void> => {
    await open.close();
    await runOnCluster(clusterUrl, `drop database ${name} with (force)`);
  };
  return { db: { ...open, connectionString }, drop };
}

async function runOnCluster(clusterUrl: string, statement: string): Promise<void> {
  const cluster = await openDatabase({ connectionString: clusterUrl, maxConnections: 1 });
  try {
    await cluster.query(statement);
  } finally {
    await cluster.close();
  }
}
