// Where a spooled list is read: here when it is small, in a thread of its own when it is large, so
// that nobody else's request waits for it. Few threads at once and a short queue.

import { extname } from "node:path";
import { Worker } from "node:worker_threads";

import { AppError } from "../domain/app-error.ts";
import { parseAppend, type AppendParsing, type AppendParsingRequest } from "./append-parsing.ts";
import { createWorkPlaces } from "./work-places.ts";

// Below this a body holds at most some 700 recipients: 20 to 30 ms, less than starting a thread.
const MAX_INLINE_BYTES = 16 * 1024;
// Each takes one core for up to a minute.
const MAX_THREADS = 2;
// Each holds two files and a request.
const MAX_WAITING = 8;
const RETRY_AFTER_SECONDS = 10;
// A JSON body of 32 MB becomes some 400 MB of values at worst; the other forms take 100 MB.
const MAX_THREAD_MEMORY_MB = 1024;

export interface AppendParser {
  /** @throws AppError `server_busy` (retryable) when too many large lists are being read. */
  parse(request: AppendParsingRequest, bytes: number): Promise<AppendParsing>;
}

export function createAppendParser(): AppendParser {
  const places = createWorkPlaces({
    maxRunning: MAX_THREADS,
    maxWaiting: MAX_WAITING,
    refuse: busy,
  });
  return {
    parse: (request, bytes) =>
      bytes <= MAX_INLINE_BYTES ? parseAppend(request) : places.run(() => parseInThread(request)),
  };
}

// Sources run as .ts, the published package as .js; both lie beside this file.
const WORKER_URL = new URL(`./append-worker${extname(import.meta.url)}`, import.meta.url);

function parseInThread(request: AppendParsingRequest): Promise<AppendParsing> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER_URL, {
      workerData: request,
      resourceLimits: { maxOldGenerationSizeMb: MAX_THREAD_MEMORY_MB },
    });
    worker.once("message", resolve);
    worker.once("error", (cause: Error & { code?: string }) => {
      reject(cause.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooComplex(cause) : cause);
    });
    worker.once("exit", (code) => {
      // After a message this changes nothing: the promise is settled.
      reject(new Error(`the thread that reads lists ended with ${code} before it answered`));
    });
  });
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
    message: "The body takes more memory than the server gives to one list. Send NDJSON or CSV.",
    cause,
  });
}
