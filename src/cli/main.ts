// The command line of Carillon: one file per command, put together here.
// Runs when it is loaded (bin/carillon.mjs loads it), so nothing but that may import it.

import { Command } from "commander";
import { packageVersion } from "../app/package-root.ts";

const program = new Command("carillon")
  .description("The self-hosted engine for AI phone campaigns.")
  .version(packageVersion(), "-V, --version")
  .showHelpAfterError();

await program.parseAsync(process.argv);
