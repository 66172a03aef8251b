// The clients of the ingest benchmark, in a thread of their own so that their work is not counted
// as the server's: one sends the large list, another tenant asks small questions meanwhile.

import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

// Often enough to meet every pause of the server, rare enough to leave it the machine.
const SMALL_QUESTION_EVERY_MS = 10;

export interface IngestClientOrder {
  readonly url: string;
  /** Where the list goes. */
  readonly path: string;
  readonly contentType: string;
  readonly authorization: string;
  readonly otherAuthorization: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface IngestClientResult {
  readonly status: number;
  readonly answerMs: number;
  readonly smallAnswersMs: readonly number[];
}

async function run(order: IngestClientOrder): Promise<IngestClientResult> {
  let isDone = false;
  const startedAt = performance.now();
  const large = fetch(order.url + order.path, {
    method: "POST",
    headers: { authorization: order.authorization, "content-type": order.contentType },
    body: order.body,
  }).then(async (answer) => {
    await answer.arrayBuffer();
    isDone = true;
    return { status: answer.status, answerMs: performance.now() - startedAt };
  });
  const smallAnswersMs: number[] = [];
  while (!isDone) {
    const askedAt = performance.now();
    const headers = { authorization: order.otherAuthorization };
    const answer = await fetch(`${order.url}/v1/phone-numbers`, { headers });
    await answer.arrayBuffer();
    smallAnswersMs.push(performance.now() - askedAt);
    await delay(SMALL_QUESTION_EVERY_MS);
  }
  return { ...(await large), smallAnswersMs };
}

parentPort?.postMessage(await run(workerData as IngestClientOrder));
