// The thread in which one large batch is parsed. It lives for one body: what a list of 32 MB needs
// is given back whole.

import { parentPort, workerData } from "node:worker_threads";

import { parseBatch, type BatchParsingRequest } from "./batch-parsing.ts";

const parsing = parseBatch(workerData as BatchParsingRequest);
// Buffers move to the main thread; nothing of the list is copied there.
const transferred = parsing.kind === "parsed" ? parsing.chunks.map((chunk) => chunk.buffer) : [];
parentPort?.postMessage(parsing, transferred);
