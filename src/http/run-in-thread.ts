// One piece of heavy work in a thread of its own, so that nobody else's request waits for it. The
// thread answers with one message and ends; what it needed is given back whole.

import { Worker, type Transferable } from "node:worker_threads";

import { AppError } from "../domain/app-error.ts";

// A JSON body of 32 MB becomes some 400 MB of values at worst; past this the thread ends, not the
// server.
const MAX_THREAD_MEMORY_MB = 1024;

export interface ThreadWork {
  /** The thread's module. */
  readonly module: URL;
  /** Becomes its `workerData`. */
  readonly data: unknown;
  /** Parts of `data` that move to the thread instead of being copied. */
  readonly moved?: readonly Transferable[];
  /** What the thread does, for the log: "parses batches". */
  readonly task: string;
  /** What a caller can do whose list takes too much memory, as a sentence. */
  readonly hint: string;
}

/**
 * Answers what the thread answers.
 * @throws AppError `body_too_large` when it takes more memory than a thread may have; what the
 * thread threw; an Error when it ended without an answer.
 */
export function runInThread<T>(work: ThreadWork): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(work.module, {
      workerData: work.data,
      transferList: [...(work.moved ?? [])],
      resourceLimits: { maxOldGenerationSizeMb: MAX_THREAD_MEMORY_MB },
    });
    worker.once("message", resolve);
    worker.once("error", (cause: Error & { code?: string }) => {
      reject(cause.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooComplex(work.hint, cause) : cause);
    });
    worker.once("exit", (code) => {
      // After a message this changes nothing: the promise is settled.
      reject(new Error(`the thread that ${work.task} ended with ${code} before it answered`));
    });
  });
}

/** The answer to a list that finds every place for large lists taken. */
export function listsBusy(retryAfterSeconds: number): AppError {
  return new AppError("server_busy", {
    message:
      "The server is reading as many large lists as it can. Send this one again in a moment.",
    retryAfterSeconds,
  });
}

function tooComplex(hint: string, cause: Error): AppError {
  return new AppError("body_too_large", {
    message: `The body takes more memory than the server gives to one list. ${hint}`,
    cause,
  });
}
