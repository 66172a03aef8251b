// `carillon dialing stop|resume|status`: the emergency stop. Works beside a running server.

import type { Command } from "commander";
import { dialingStatus, resumeAllDialing, stopAllDialing } from "../app/dialing-administration.ts";
import { readConfig } from "../app/read-config.ts";
import { print, printNotice } from "./terminal.ts";

export function addDialingCommand(program: Command): void {
  const dialing = program
    .command("dialing")
    .description("stop or resume all dialing of the installation");
  dialing
    .command("stop")
    .description("no call of any key goes out from now on; calls that ring or talk go on")
    .option("--reason <text>", "why, for whoever looks at it later")
    .action(async (options: { readonly reason?: string }) => {
      await stopAllDialing(readConfig(), printNotice, options.reason ?? null);
      print("All dialing is stopped. `carillon dialing resume` allows it again.");
    });
  dialing
    .command("resume")
    .description("allow dialing again")
    .action(async () => {
      await resumeAllDialing(readConfig(), printNotice);
      print("Dialing is allowed.");
    });
  dialing
    .command("status")
    .description("say whether dialing is allowed")
    .action(async () => {
      const stop = await dialingStatus(readConfig(), printNotice);
      if (stop.stoppedAt === null) print("Dialing is allowed.");
      else
        print(
          `Stopped since ${new Date(stop.stoppedAt).toISOString()}${stop.reason === null ? "" : `: ${stop.reason}`}`,
        );
    });
}
