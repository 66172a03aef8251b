// The command line of Carillon: one file per command, put together here.
// Runs when it is loaded (bin/carillon.mjs loads it), so nothing but that may import it.

import { Command } from "commander";
import { packageVersion } from "../app/package-root.ts";
import { addBackupCommands } from "./backup-command.ts";
import { addConfigCommand } from "./config-command.ts";
import { addDemoCommand } from "./demo-command.ts";
import { addDialingCommand } from "./dialing-command.ts";
import { addDoctorCommand } from "./doctor-command.ts";
import { addKeysCommand } from "./keys-command.ts";
import { addRehearseCommand } from "./rehearse-command.ts";
import { addServeCommand } from "./serve-command.ts";
import { addSimulatorCommand } from "./simulator-command.ts";
import { addVerifyCommand } from "./verify-command.ts";

// The launcher that put us on this Node was killed: whoever killed it meant us.
process.once("disconnect", () => process.exit(137));
process.channel?.unref();

const program = new Command("carillon")
  .description("The self-hosted engine for AI phone campaigns.")
  .version(packageVersion(), "-V, --version")
  .showHelpAfterError();

addServeCommand(program);
addDemoCommand(program);
addSimulatorCommand(program);
addRehearseCommand(program);
addKeysCommand(program);
addDialingCommand(program);
addDoctorCommand(program);
addVerifyCommand(program);
addBackupCommands(program);
addConfigCommand(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  // What stops a command is for a person to read; the stack is for whoever asks for it.
  const details =
    process.env["CARILLON_LOG_LEVEL"] === "debug"
      ? (error as Error).stack
      : (error as Error).message;
  process.stderr.write(`carillon: ${details ?? String(error)}\n`);
  process.exitCode = 1;
}
