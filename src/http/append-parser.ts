// Where a spooled list is read: here when it is small, in a thread of its own when it is large, so
// that nobody else's request waits for it. Few threads at once and a short queue.

import { extname } from "node:path";

import { parseAppend, type AppendParsing, type AppendParsingRequest } from "./append-parsing.ts";
import { listsBusy, runInThread } from "./run-in-thread.ts";
import { createWorkPlaces } from "./work-places.ts";

// Below this a body holds at most some 700 recipients: 20 to 30 ms, less than starting a thread.
const MAX_INLINE_BYTES = 16 * 1024;
// Each takes one core for up to a minute.
const MAX_THREADS = 2;
// Each holds two files and a request.
const MAX_WAITING = 8;
const RETRY_AFTER_SECONDS = 10;

export interface AppendParser {
  /** @throws AppError `server_busy` (retryable) when too many large lists are being read. */
  parse(request: AppendParsingRequest, bytes: number): Promise<AppendParsing>;
}

export function createAppendParser(): AppendParser {
  const places = createWorkPlaces({
    maxRunning: MAX_THREADS,
    maxWaiting: MAX_WAITING,
    refuse: () => listsBusy(RETRY_AFTER_SECONDS),
  });
  return {
    parse: (request, bytes) =>
      bytes <= MAX_INLINE_BYTES ? parseAppend(request) : places.run(() => parseInThread(request)),
  };
}

// Sources run as .ts, the published package as .js; both lie beside this file.
const WORKER_URL = new URL(`./append-worker${extname(import.meta.url)}`, import.meta.url);

function parseInThread(request: AppendParsingRequest): Promise<AppendParsing> {
  return runInThread({
    module: WORKER_URL,
    data: request,
    task: "reads lists",
    hint: "Send NDJSON or CSV.",
  });
}
