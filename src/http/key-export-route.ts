// GET /v1/export: everything a key owns, of one instant, as NDJSON. It is written to a file of its
// own first, and sent from there: a slow client holds no transaction and no memory.

import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

import { AppError } from "../domain/app-error.ts";
import type { Database } from "../ports/database.ts";
import { beginSnapshot, readKeyExport } from "../store/key-export.ts";
import { ExportFile } from "./contract/campaign.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

/** Rows read at a time: some megabytes of transcripts at most. */
const PAGE_ROWS = 500;
/** Each holds one of the HTTP room's ten connections while it is written. */
const MAX_EXPORTS = 2;
const RETRY_AFTER_SECONDS = 30;

export function addKeyExportRoute(app: RouteApp, { database }: HttpDependencies): void {
  let underWay = 0;
  app.route({
    method: "GET",
    url: "/v1/export",
    config: { access: "key" },
    schema: {
      tags: ["Keys"],
      summary: "Export everything the key owns",
      description:
        "One JSON object a line, each with its `kind`: key, agent, phone_number, campaign, recipient, call (with analysis and events), suppression, delivery, dial_evidence, erasure. All of one instant, without secrets. The first byte comes once all is read.",
      operationId: "exportKey",
      produces: ["application/x-ndjson"],
      response: { 200: ExportFile, ...errorAnswers(503) },
    },
    handler: async (request, reply) => {
      if (underWay >= MAX_EXPORTS) throw busy("The server makes as many exports as it can.");
      underWay += 1;
      try {
        const { id } = keyOf(request);
        const file = await spoolExport(database, id);
        void reply
          .type("application/x-ndjson")
          .header("content-disposition", `attachment; filename="${id}.ndjson"`);
        return await reply.send(file);
      } finally {
        underWay -= 1;
      }
    },
  });
}

/** The export as a stream; its file goes when the stream closes, however that comes. */
async function spoolExport(database: Database, keyId: string): Promise<Readable> {
  const directory = await mkdtemp(join(tmpdir(), "carillon-export-"));
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 3 });
  const path = join(directory, "lines");
  try {
    await database.transaction(async (tx) => {
      await beginSnapshot(tx);
      const handle = await open(path, "w", 0o600);
      try {
        for await (const lines of readKeyExport(tx, keyId, PAGE_ROWS))
          await handle.writeFile(lines);
      } finally {
        await handle.close();
      }
    });
  } catch (error) {
    await remove();
    const isFull = (error as { code?: string }).code === "ENOSPC";
    throw isFull ? busy("The server has no room for the export right now.", error) : error;
  }
  const file = createReadStream(path);
  file.once("close", () => void remove());
  return file;
}

function busy(message: string, cause?: unknown): AppError {
  return new AppError("server_busy", {
    message: `${message} Ask again in a moment.`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  });
}
