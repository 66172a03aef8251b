// One embedded PostgreSQL for a whole test run. Vitest calls this once before the first file and
// once after the last, also when tests failed.

import type { TestProject } from "vitest/node";
import { startTemporaryCluster } from "./temporary-cluster.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** URL of a database of the test cluster that nobody uses for data. */
    readonly clusterUrl: string;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startTemporaryCluster();
  project.provide("clusterUrl", cluster.url);
  return () => cluster.stop();
}
