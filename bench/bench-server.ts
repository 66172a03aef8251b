// A server over a database of its own, for benchmarks: both are made and removed by the run.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { openDatabase, type OpenDatabase } from "../src/app/database.ts";
import { startEmbeddedPostgres } from "../src/app/embedded-postgres.ts";
import { readMigrationFiles } from "../src/app/migration-files.ts";
import { packageRoot } from "../src/app/package-root.ts";
import { createSecretBox } from "../src/app/secret-box.ts";
import { systemRandom } from "../src/app/system-random.ts";
import { startSystemClock } from "../src/app/system-clock.ts";
import { makeTemporaryDataDirectory } from "../src/app/temporary-data-directory.ts";
import { createCampaignVerbs } from "../src/engine/campaign-verbs.ts";
import { hashSecret } from "../src/http/secret-hash.ts";
import { createHttpServer } from "../src/http/server.ts";
import { replaceOperatorTokenHash } from "../src/store/installation.ts";
import { migrate } from "../src/store/migrate.ts";

const OPERATOR_TOKEN = "operator-token-of-the-benchmark";
const MAX_BODY_BYTES = 32 * 1024 * 1024;

export async function withDatabase(work: (db: OpenDatabase) => Promise<void>): Promise<void> {
  const dataDirectory = makeTemporaryDataDirectory("carillon-bench-");
  const postgres = await startEmbeddedPostgres({
    dataDirectory,
    isDefaultDirectory: false,
    binariesDirectory: null,
    onNotice: (notice) => console.error(notice),
    onLost: (error) => console.error(error),
  });
  try {
    const { connectionString } = postgres;
    const db = await openDatabase({ connectionString, maxConnections: 10 });
    const migrations = await readMigrationFiles(join(packageRoot(), "migrations"));
    await migrate(db, migrations, Date.now());
    await work(db);
    await db.close();
  } finally {
    await postgres.stop();
    rmSync(dataDirectory, { recursive: true, force: true, maxRetries: 10 });
  }
}

export async function startServer(db: OpenDatabase) {
  await replaceOperatorTokenHash(db, hashSecret(OPERATOR_TOKEN));
  const clock = await startSystemClock(db);
  const app = createHttpServer({
    database: db,
    clock,
    random: systemRandom,
    carrier: {
      checkAccount: () =>
        Promise.resolve({ kind: "verified", accountType: "full", maxConcurrentCalls: null }),
      checkNumber: () => Promise.resolve({ kind: "owned", carrierNumberId: null, canCall: true }),
      findRecording: () => Promise.resolve({ kind: "absent" }),
      openRecording: () => Promise.resolve({ kind: "absent" }),
    },
    model: { configuration: () => ({ kind: "ready", name: "bench:model" }) },
    engine: { wake: () => {} },
    campaignVerbs: createCampaignVerbs({ database: db, clock }),
    settings: {
      publicUrl: "http://127.0.0.1",
      maxBodyBytes: MAX_BODY_BYTES,
      rateLimitPerMinute: 1_000_000,
      allowLocalUrls: true,
    },
    secretBox: createSecretBox(systemRandom.bytes(32), systemRandom),
    log: pino({ level: "silent" }),
    version: "0.0.0",
    health: () => Promise.resolve({ status: "ready", version: "0.0.0", reasons: [], checks: {} }),
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    url,
    close: async (): Promise<void> => {
      await app.close();
      clock.stop();
    },
  };
}

export async function ask<T>(
  url: string,
  path: string,
  authorization: string,
  body: object,
): Promise<T> {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

export async function makeKey(url: string): Promise<string> {
  type Key = { readonly key_id: string; readonly key_secret: string };
  const key = await ask<Key>(url, "/v1/keys", `Bearer ${OPERATOR_TOKEN}`, {});
  return `Bearer ${key.key_id}:${key.key_secret}`;
}

export async function makeAgent(
  url: string,
  authorization: string,
  number: number,
): Promise<string> {
  const agent = await ask<{ agent_id: string }>(url, "/v1/agents", authorization, {});
  await ask(url, "/v1/phone-numbers", authorization, {
    phone_number: `+120255501${String(number).padStart(2, "0")}`,
    agent_id: agent.agent_id,
    twilio_sid: `AC${"0".repeat(32)}`,
    twilio_token: "token",
  });
  return agent.agent_id;
}
