// How tests run: a few worker processes, one PostgreSQL for the whole run, nothing repeated
// silently.

import { defineConfig } from "vitest/config";
import { SlowestFirst } from "./test/support/slowest-first.ts";

// More than the two cores the suite is made for: the slowest files mostly wait. Measured with four,
// five and six; with six the tests that crowd a server take time from one another.
const MAX_WORKERS = 5;

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
