// `carillon serve`: the server, until it is told to stop.

import type { Command } from "commander";
import { createLogger } from "../app/logger.ts";
import { readConfig } from "../app/read-config.ts";
import { startServer } from "../app/start-server.ts";
import { printNotice, untilStopped } from "./terminal.ts";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description(
      "run the server: API, dialer, voice; settings come from the environment or ./carillon.env",
    )
    .action(async () => {
      const config = readConfig();
      const server = await startServer({
        config,
        log: createLogger(config),
        onNotice: printNotice,
        onLost: (error) => {
          printNotice(`carillon: the database is gone: ${error.message}`);
          process.exit(1);
        },
      });
      printNotice(`Carillon listens on ${server.url} with ${server.storeDescription}.`);
      if (server.newOperatorToken !== null) {
        printNotice("");
        printNotice(`  Operator token (shown this once): ${server.newOperatorToken}`);
        printNotice("");
        printNotice("  Next: make an API key with `npm run carillon -- keys create --name first`,");
        printNotice(`  then an agent and a number; ${server.url}/docs shows every request.`);
      }
      for (const hint of server.hints) printNotice(hint);
      await untilStopped();
      printNotice("Stopping: no new dials; finishing what is under way.");
      await server.stop();
      // What was left behind because it hung must not keep the process.
      process.exit();
    });
}
