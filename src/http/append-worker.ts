// The thread in which one large list is read: file in, file out. Only counts go back.

import { parentPort, workerData } from "node:worker_threads";

import { parseAppend, type AppendParsingRequest } from "./append-parsing.ts";

parentPort?.postMessage(await parseAppend(workerData as AppendParsingRequest));
