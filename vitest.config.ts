// How tests run: a few worker processes, one PostgreSQL for the whole run, nothing repeated
// silently.

import { defineConfig } from "vitest/config";

// Tests share the machine with the database they use; more workers than this only wait for each
// other.
const MAX_WORKERS = 3;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/test-cluster.ts"],
    setupFiles: ["test/support/property-seed.ts", "test/support/time-limits.ts"],
    pool: "forks",
    maxWorkers: MAX_WORKERS,
    // Limits against hanging, not statements about speed.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    retry: 0,
  },
});
