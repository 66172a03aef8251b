// Where a batch's body is parsed: here when it is small, in a thread of its own when it is large,
// so that nobody else's request waits for it. Few threads at once and a short queue: beyond that
// the server says that it is busy.

import { extname } from "node:path";
import { Worker } from "node:worker_threads";

import { AppError } from "../domain/app-error.ts";
import { parseBatch, type BatchParsing, type BatchParsingRequest } from "./batch-parsing.ts";
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
// A body of 32 MB becomes some 400 MB of values at worst; past this the thread ends, not the
// server.
const MAX_THREAD_MEMORY_MB = 1024;

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
    refuse: busy,
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
  return new Promise((resolve, reject) => {
    const body = ownBuffer(request.body);
    const worker = new Worker(WORKER_URL, {
      workerData: { ...request, body },
      transferList: [body.buffer],
      resourceLimits: { maxOldGenerationSizeMb: MAX_THREAD_MEMORY_MB },
    });
    worker.once("message", resolve);
    worker.once("error", (cause: Error & { code?: string }) => {
      reject(cause.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooComplex(cause) : cause);
    });
    worker.once("exit", (code) => {
      // After a message this changes nothing: the promise is settled.
      reject(new Error(`the thread that parses batches ended with ${code} before it answered`));
    });
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

function busy(): AppError {
  return new AppError("server_busy", {
    message:
      "The server is reading as many large lists as it can. Send this one again in a moment.",
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

function tooComplex(cause: Error): AppError {
  return new AppError("body_too_large", {
    message: "The body takes more memory than the server gives to one list. Split the list.",
    cause,
  });
}
