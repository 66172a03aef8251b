// Many seeds over several threads, each with a database of its own on one cluster. Seeds are
// independent, so the order in which they finish means nothing.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedResult } from "./run-seed.ts";

export interface SeedRun {
  readonly clusterUrl: string;
  /** The next seed; null when there are no more. */
  readonly nextSeed: () => number | null;
  readonly onResult: (result: SeedResult) => void;
}

export async function simulateSeeds(run: SeedRun): Promise<void> {
  const workers = Array.from({ length: availableParallelism() }, () => runWorker(run));
  await Promise.all(workers);
}

function runWorker(run: SeedRun): Promise<void> {
  const worker = new Worker(new URL("seed-worker.ts", import.meta.url), {
    workerData: { clusterUrl: run.clusterUrl },
  });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a simulation worker ended with ${code}`));
    });
    worker.on("message", (result: SeedResult) => {
      run.onResult(result);
      worker.postMessage(run.nextSeed());
    });
    worker.postMessage(run.nextSeed());
  });
}
