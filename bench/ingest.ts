// How long others wait while one tenant sends 100,000 recipients: delay of the server's event loop
// and answers to another tenant meanwhile, beside what parsing the same body on the main thread
// would cost. Run it with `node bench/ingest.ts`; it makes and removes a database of its own.

import { extname } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { parseBatch } from "../src/http/batch-parsing.ts";
import { makeAgent, makeKey, startServer, withDatabase } from "./bench-server.ts";
import { ingestBody } from "./ingest-body.ts";
import type { IngestClientOrder, IngestClientResult } from "./ingest-client.ts";

const ROUNDS = 3;
const CLIENT_URL = new URL(`./ingest-client${extname(import.meta.url)}`, import.meta.url);

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
    const target = { path: "/v1/calls/batch", contentType: "application/json" };
    const order = { ...target, url: server.url, authorization, otherAuthorization, body: own };
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
