// Runs seeds one after another in a thread of its own, in a database of its own.

import { parentPort, workerData } from "node:worker_threads";
import { createWorldDatabase } from "./world-database.ts";
import { runSeed } from "./run-seed.ts";

const { clusterUrl } = workerData as { readonly clusterUrl: string };
const port = parentPort;
if (port === null) throw new Error("this file runs as a worker only");

const database = await createWorldDatabase(clusterUrl);
let working: Promise<void> = Promise.resolve();
port.on("message", (seed: number | null) => {
  working = working.then(async () => {
    if (seed !== null) {
      port.postMessage(await runSeed(database.connection, seed));
      return;
    }
    await database.drop();
    port.close();
  });
});
