// docs/limits.md says what the sources say: a bound that changes, moves or goes away is noticed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../src/app/package-root.ts";

const page = readFileSync(join(packageRoot(), "docs", "limits.md"), "utf8");
const ROW = /^\| .+ \| `([^`]+)`[^|]* \| `([A-Z_]+)` in `([^`]+)` \|$/;
const rows = page
  .split("\n")
  .filter((line) => line.includes("` in `src/"))
  .map((line) => ROW.exec(line)?.slice(1) ?? [line]);

test.each(rows)("the page says %s for %s of %s, as the source does", (value, name, file = "") => {
  const source = readFileSync(join(packageRoot(), file), "utf8");
  const declared = new RegExp(`const ${name}(?:: [^=]+)? =\\s*([^;]+);`).exec(source)?.[1];
  expect(declared?.replaceAll(/\s+/g, " ")).toBe(value);
});

test("the page names the settings that are limits", () => {
  expect(rows.length).toBeGreaterThan(60);
  for (const setting of ["RATE_LIMIT_PER_MINUTE", "MAX_BODY_BYTES", "MAX_VOICE_SESSIONS"]) {
    expect(page).toContain(`CARILLON_${setting}`);
  }
});
