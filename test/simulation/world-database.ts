// A database for simulated worlds, one after another. Nothing in it happens by itself: no vacuum
// and no statistics, so that what a statement does depends on the seed alone.

import { threadId } from "node:worker_threads";
import { openDatabase } from "../../src/app/database.ts";
import { TEMPLATE_DATABASE, withDatabase } from "../support/database-urls.ts";
import { connectWorld, type WorldConnection } from "./database-desk.ts";

const TABLES_WITHOUT_VACUUM = `do $$ declare name text; begin
  for name in select tablename from pg_tables where schemaname = 'public' loop
    execute format('alter table %I set (autovacuum_enabled = false)', name);
  end loop; end $$`;

export interface WorldDatabase {
  readonly connection: WorldConnection;
  drop(): Promise<void>;
}

let count = 0;

export async function createWorldDatabase(clusterUrl: string): Promise<WorldDatabase> {
  count += 1;
  const name = `world_${process.pid}_${threadId}_${Date.now()}_${count}`;
  await onCluster(clusterUrl, `create database ${name} template ${TEMPLATE_DATABASE}`);
  const connection = await connectWorld(withDatabase(clusterUrl, name));
  await connection.run(TABLES_WITHOUT_VACUUM);
  return {
    connection,
    drop: async () => {
      await connection.close();
      await onCluster(clusterUrl, `drop database ${name} with (force)`);
    },
  };
}

async function onCluster(clusterUrl: string, statement: string): Promise<void> {
  const cluster = await openDatabase({ connectionString: clusterUrl, maxConnections: 1 });
  try {
    await cluster.query(statement);
  } finally {
    await cluster.close();
  }
}
