// How long after its last look at the deadline a create's bytes are with the kernel: the gap in
// which a process that is stopped wakes too late and dials all the same (docs/failure-modes.md).
// Run it with `node bench/write-gap.ts [requests] [busy threads]`.

import { createServer } from "node:http";
import { once } from "node:events";
import { Socket, type AddressInfo } from "node:net";
import { isMainThread, Worker } from "node:worker_threads";
import { createHttpExchange } from "../src/carrier/twilio/http-exchange.ts";

const requests = Number(process.argv[2] ?? 20_000);
const busyThreads = Number(process.argv[3] ?? 0);
const AT_ONCE = 20;
// As long as a create's form is, with its markup.
const BODY = "Twiml=".padEnd(2_500, "x");

if (!isMainThread) {
  // A neighbour that never rests.
  for (;;) Math.sqrt(performance.now());
}

const server = createServer((request, response) => {
  request.resume().once("end", () => response.end("{}"));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const origin = `http://127.0.0.1:${port}`;
const busy = Array.from({ length: busyThreads }, () => new Worker(new URL(import.meta.url)));

// The last look at the clock before a write is the deadline's.
let lookedAt = Number.NaN;
const gapsMs: number[] = [];
interface Writing {
  _writeGeneric(...args: readonly unknown[]): unknown;
}
const writing = Socket.prototype as unknown as Writing;
// oxlint-disable-next-line typescript/unbound-method -- called with its socket below
const original = writing._writeGeneric;
writing._writeGeneric = function (this: Socket, ...args) {
  const answer: unknown = Reflect.apply(original, this, args);
  // Corked, so that head and body are one write. The server's own writes are in this process too.
  if (this.remotePort === port) gapsMs.push(performance.now() - lookedAt);
  return answer;
};

const exchange = createHttpExchange({
  monotonicMs: () => (lookedAt = performance.now()),
});
const window = {
  notBeforeMs: 0,
  notAfterMs: performance.now() + 1_000_000_000,
  isClockSteady: () => true,
};
const create = {
  origin,
  path: "/Calls.json",
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: BODY,
  answerTimeoutMs: 30_000,
} as const;
let left = requests;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left > 0) {
      left -= 1;
      await exchange.send(create, window);
    }
  }),
);
await exchange.close();
server.close();
for (const worker of busy) await worker.terminate();

gapsMs.sort((a, b) => a - b);
const at = (share: number): string =>
  `${((gapsMs[Math.min(gapsMs.length - 1, Math.floor(gapsMs.length * share))] ?? 0) * 1_000).toFixed(0)} µs`;
console.log(
  `${gapsMs.length} requests beside ${busyThreads} busy threads, from the look at the deadline to the kernel: ` +
    `median ${at(0.5)}, 99 % ${at(0.99)}, 99.9 % ${at(0.999)}, longest ${at(1)}`,
);
