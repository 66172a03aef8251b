// `carillon backup FILE` and `carillon restore FILE`.

import type { Command } from "commander";
import { restoreBackup } from "../app/backup/restore-backup.ts";
import { writeBackup } from "../app/backup/write-backup.ts";
import { readConfig } from "../app/read-config.ts";
import { print, printNotice } from "./terminal.ts";

export function addBackupCommands(program: Command): void {
  program
    .command("backup")
    .argument("<file>", "a new file; it is readable by its owner only")
    .description("write everything in the database to one file; works beside running servers")
    .option("--with-key", "put the encryption key into the file too: guard it like the key")
    .action(async (file: string, options: { readonly withKey?: true }) => {
      const summary = await writeBackup(readConfig(), {
        path: file,
        withKey: options.withKey === true,
        onNotice: printNotice,
      });
      if (summary.needsKey) {
        printNotice("Keep the encryption key beside it: without the key the carrier tokens in it");
        printNotice("cannot be read (encryption.key in the data directory, or the setting).");
      }
      print(`${file}: ${summary.rows} rows as of ${new Date(summary.takenAt).toISOString()}`);
    });
  program
    .command("restore")
    .argument("<file>", "a file that `carillon backup` made")
    .description("fill an empty new database from a backup")
    .option("--stop-dialing", "dial nobody until `carillon dialing resume`")
    .action(async (file: string, options: { readonly stopDialing?: true }) => {
      const summary = await restoreBackup(readConfig(), {
        path: file,
        stopDialing: options.stopDialing === true,
        onNotice: printNotice,
      });
      const takenAt = new Date(summary.takenAt).toISOString();
      printNotice("Stop every server of the old database for good before you start one on this:");
      printNotice("two databases that dial for one installation call people twice.");
      printNotice(
        `Whatever happened after ${takenAt} is not in it: suppressions, campaigns that were`,
      );
      printNotice(
        "created, paused or canceled. Calls are found in the carrier's list before the first",
      );
      printNotice(`dial. ${summary.campaignsUnderWay} campaigns are scheduled or running.`);
      print(`${summary.storeDescription} holds ${summary.rows} rows as of ${takenAt}`);
    });
}
