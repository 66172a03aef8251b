// Makes dist/ anew from src/: what an installed carillon runs. Nothing old survives in it.

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
const result = spawnSync("tsc", ["-p", "tsconfig.build.json"], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (result.error !== undefined) throw result.error;
process.exitCode = result.status ?? 1;
