// A process that starts the embedded database, says how it went as one line of JSON, and stays
// until it is killed. Arguments: data directory, "named" or "default", and optionally the
// system-wide place.

import { startEmbeddedPostgres } from "../../src/app/embedded-postgres.ts";

const [dataDirectory = "", how, systemPlace] = process.argv.slice(2);

function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

try {
  const postgres = await startEmbeddedPostgres({
    dataDirectory,
    isDefaultDirectory: how === "default",
    binariesDirectory: null,
    onNotice: (notice) => say({ kind: "notice", notice }),
    onLost: (error) => say({ kind: "lost", message: error.message }),
    ...(systemPlace === undefined ? {} : { systemPlace }),
  });
  say({
    kind: "started",
    connectionString: postgres.connectionString,
    dataDirectory: postgres.dataDirectory,
    attached: postgres.attached,
    serverPid: postgres.serverPid(),
  });
  process.once("SIGTERM", () => {
    postgres.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        say({ kind: "failed", message: String(error) });
        process.exit(1);
      },
    );
  });
} catch (error) {
  say({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
}
