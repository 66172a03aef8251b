// Tests that start whole products and kill them get more time before they count as hung.

import { expect, vi } from "vitest";

const SLOW_ROOMS = /[\\/]test[\\/](e2e|race|simulation)[\\/]/;

if (SLOW_ROOMS.test(expect.getState().testPath ?? "")) {
  vi.setConfig({ testTimeout: 480_000, hookTimeout: 120_000 });
}
