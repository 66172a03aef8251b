// Where a batch's body is parsed: here when it is small, in a thread of its own when it is large,
// so that nobody else's request waits for it. Few threads at once and a short queue: beyond that
// the server says that it is busy.

import { extname } from "node:path";

import { parseBatch, type BatchParsing, type BatchParsingRequest } from "./batch-parsing.ts";
import { listsBusy, runInThread } from "./run-in-thread.ts";
import { createWorkPlaces } from "./work-places.ts";

// Below this a body holds at most about 700 recipients, parsed in 20 to 30 ms: less than starting a
// thread.
const MAX_INLINE_BYTES = 16 * 1024;
// Each takes one core for some seconds and up to half a gigabyte.
const MAX_THREADS = 2;
// Bodies that wait hold their bytes: 8 × 32 MB.
const MAX_WAITING = 8;
// One large list takes three to five seconds.
const RETRY_AFTER_SECONDS = 5;

export interface BatchParser {
  /**
   * The body's buffer may be moved away: do not use it afterwards.
   * @throws AppError `server_busy` (retryable) when too many large bodies are being parsed.
   */
  parse(request: BatchParsingRequest): Promise<BatchParsing>;
}

export function createBatchParser(): BatchParser {
  const places = createWorkPlaces({
    maxRunning: MAX_THREADS,
    maxWaiting: MAX_WAITING,
    refuse: () => listsBusy(RETRY_AFTER_SECONDS),
  });
  return {
    parse: async (request) => {
      if (request.body.length <= MAX_INLINE_BYTES) return parseBatch(request);
      return places.run(() => parseInThread(request));
    },
  };
}

// Sources run as .ts, the published package as .js; both lie beside this file.
const WORKER_URL = new URL(`./batch-worker${extname(import.meta.url)}`, import.meta.url);

function parseInThread(request: BatchParsingRequest): Promise<BatchParsing> {
  const body = ownBuffer(request.body);
  return runInThread({
    module: WORKER_URL,
    data: { ...request, body },
    moved: [body.buffer],
    task: "parses batches",
    hint: "Split the list.",
  });
}

/**
 * The bytes in a buffer that nothing else shares, so that it can be moved. Large bodies already
 * are.
 */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  return isWhole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}
