// How long others wait while one tenant sends 100,000 recipients: delay of the server's event loop
// and answers to another tenant meanwhile, beside what parsing the same body on the main thread
// would cost. Run it with `node bench/ingest.ts`; it makes and removes a database of its own.

import { rmSync } from "node:fs";
import { extname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
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
import { parseBatch } from "../src/http/batch-parsing.ts";
import { hashSecret } from "../src/http/secret-hash.ts";
import { createHttpServer } from "../src/http/server.ts";
import { replaceOperatorTokenHash } from "../src/store/installation.ts";
import { migrate } from "../src/store/migrate.ts";
import { ingestBody } from "./ingest-body.ts";
import type { IngestClientOrder, IngestClientResult } from "./ingest-client.ts";

const OPERATOR_TOKEN = "operator-token-of-the-benchmark";
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const ROUNDS = 3;
const CLIENT_URL = new URL(`./ingest-client${extname(import.meta.url)}`, import.meta.url);

async function withDatabase(work: (db: OpenDatabase) => Promise<void>): Promise<void> {
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

async function startServer(db: OpenDatabase) {
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
    health: () => Promise.resolve({ status: "ok", version: "0.0.0", checks: {} }),
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

async function ask<T>(url: string, path: string, authorization: string, body: object): Promise<T> {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function makeKey(url: string): Promise<string> {
  type Key = { readonly key_id: string; readonly key_secret: string };
  const key = await ask<Key>(url, "/v1/keys", `Bearer ${OPERATOR_TOKEN}`, {});
  return `Bearer ${key.key_id}:${key.key_secret}`;
}

async function makeAgent(url: string, authorization: string, number: number): Promise<string> {
  const agent = await ask<{ agent_id: string }>(url, "/v1/agents", authorization, {});
  await ask(url, "/v1/phone-numbers", authorization, {
    phone_number: `+120255501${String(number).padStart(2, "0")}`,
    agent_id: agent.agent_id,
    twilio_sid: `AC${"0".repeat(32)}`,
    twilio_token: "token",
  });
  return agent.agent_id;
}

function runClients(order: IngestClientOrder): Promise<IngestClientResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(CLIENT_URL, { workerData: order });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;

await withDatabase(async (db) => {
  const server = await startServer(db);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const authorization = await makeKey(server.url);
    const otherAuthorization = await makeKey(server.url);
    const agentId = await makeAgent(server.url, authorization, round);
    const comingDay = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    const body = ingestBody(agentId, comingDay);
    const own = new Uint8Array(body);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const order = { url: server.url, authorization, otherAuthorization, body: own };
    const result = await runClients(order);
    delay.disable();
    if (result.status !== 201) throw new Error(`the list was answered with ${result.status}`);
    const small = [...result.smallAnswersMs].sort((one, other) => one - other);
    const startedAt = performance.now();
    const inline = parseBatch({
      body,
      campaignId: "batchcall_0000000000000000",
      keyId: "key_00000000000000000000000000000000",
      createdAt: new Date().toISOString(),
      purpose: "create",
      allowedCountries: null,
    });
    const inlineMs = performance.now() - startedAt;
    const megabytes = (body.length / 1024 / 1024).toFixed(1);
    console.log(`round ${round}: ${megabytes} MB, ${result.status} after ${ms(result.answerMs)}`);
    console.log(`  event loop: longest delay ${ms(delay.max / 1e6)}`);
    console.log(
      `  another tenant: ${small.length} answers, median ${ms(small[small.length >> 1] ?? 0)}, ` +
        `slowest ${ms(small.at(-1) ?? 0)}`,
    );
    console.log(`  on the main thread it would stand still for ${ms(inlineMs)} (${inline.kind})`);
  }
  await server.close();
});
