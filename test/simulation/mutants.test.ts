// The planted bugs still fit the sources: a patch that no longer applies would try nothing.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PATCHES = join(import.meta.dirname, "mutants");
const patches = readdirSync(PATCHES).filter((name) => name.endsWith(".patch"));

test("there are at least twenty planted bugs", () => {
  expect(patches.length).toBeGreaterThanOrEqual(20);
});

test.each(patches)("%s applies to the sources", (name) => {
  const { status, stderr } = spawnSync("git", ["apply", "--check", join(PATCHES, name)], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
