// How tests run: a few worker processes, one PostgreSQL for the whole run, nothing repeated
// silently.

import { defineConfig } from "vitest/config";
import { SlowestFirst } from "./test/support/slowest-first.ts";

// Tests share the machine with the database they use. Two are enough for two cores; the slowest
// files mostly wait.
const MAX_WORKERS = 4;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/test-cluster.ts"],
    setupFiles: ["test/support/property-seed.ts", "test/support/time-limits.ts"],
    pool: "forks",
    maxWorkers: MAX_WORKERS,
    sequence: { sequencer: SlowestFirst },
    // Limits against hanging, not statements about speed.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    retry: 0,
  },
});
