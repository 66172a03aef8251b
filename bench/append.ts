// How long others wait while one tenant appends a million recipients as NDJSON, and what memory
// that takes. Run it with `node bench/append.ts`; it makes and removes a database of its own.

import { extname } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { ask, makeAgent, makeKey, startServer, withDatabase } from "./bench-server.ts";
import type { IngestClientOrder, IngestClientResult } from "./ingest-client.ts";

const RECIPIENTS = 1_000_000;
const AREAS = [202, 212, 213, 312, 303, 404, 415, 512, 602, 617];
const SAMPLE_EVERY_MS = 100;
const CLIENT_URL = new URL(`./ingest-client${extname(import.meta.url)}`, import.meta.url);

function appendBody(): Buffer {
  const parts: Buffer[] = [];
  for (let from = 0; from < RECIPIENTS; from += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, offset) => {
      const index = from + offset;
      const phone = `+1${AREAS[index % AREAS.length]}55501${String(index % 100).padStart(2, "0")}`;
      const variables = { patient_name: `Patient ${index}`, appointment_time: "Tuesday at 10:30" };
      return `${JSON.stringify({ phone, variables })}\n`;
    });
    parts.push(Buffer.from(lines.join("")));
  }
  return Buffer.concat(parts);
}

function runClients(order: IngestClientOrder): Promise<IngestClientResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(CLIENT_URL, { workerData: order, transferList: [order.body.buffer] });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const mb = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`;

await withDatabase(async (db) => {
  const server = await startServer(db);
  const authorization = await makeKey(server.url);
  const otherAuthorization = await makeKey(server.url);
  const agentId = await makeAgent(server.url, authorization, 1);
  const comingDay = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
  const campaign = await ask<{ campaign_id: string }>(
    server.url,
    "/v1/calls/batch",
    authorization,
    {
      agent_id: agentId,
      prompt: "Call to remind the patient about tomorrow's check-up.",
      recipients: [{ phone: "+12025550100" }],
      schedule_type: "schedule",
      scheduled_date: comingDay,
    },
  );
  const body = new Uint8Array(appendBody());
  const bytes = body.length;
  let highest = 0;
  const before = process.memoryUsage().rss;
  const sampling = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, SAMPLE_EVERY_MS);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const result = await runClients({
    url: server.url,
    path: `/v1/calls/batch/${campaign.campaign_id}/recipients`,
    contentType: "application/x-ndjson",
    authorization,
    otherAuthorization,
    body,
  });
  delay.disable();
  clearInterval(sampling);
  const small = [...result.smallAnswersMs].sort((one, other) => one - other);
  console.log(
    `${RECIPIENTS} recipients, ${mb(bytes)}: ${result.status} after ${ms(result.answerMs)}`,
  );
  console.log(`  memory: ${mb(before)} before (with the list), at most ${mb(highest)} meanwhile`);
  console.log(
    `  event loop: 99.9 % below ${ms(delay.percentile(99.9) / 1e6)}, longest ${ms(delay.max / 1e6)}`,
  );
  console.log(
    `  another tenant: ${small.length} answers, median ${ms(small[small.length >> 1] ?? 0)}, ` +
      `99 % below ${ms(small[Math.floor(small.length * 0.99)] ?? 0)}, slowest ${ms(small.at(-1) ?? 0)}`,
  );
  await server.close();
});
