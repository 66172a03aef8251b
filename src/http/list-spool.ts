// A list on its way in: written to a file of its own while it arrives, hashed and measured, with no
// memory held and no transaction open. The directory goes with the request.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { AppError } from "../domain/app-error.ts";
import type { ListFormat } from "./append-parsing.ts";

export interface SpooledList {
  readonly format: ListFormat;
  readonly bodyPath: string;
  /** Where the rows made of it may be written. */
  readonly rowsPath: string;
  readonly bytes: number;
  readonly bodyHash: Uint8Array;
}

export interface ListSpool {
  /**
   * @throws AppError `body_too_large` past `maxBytes`, `server_busy` when the disk is full.
   */
  fill(body: Readable, format: ListFormat, maxBytes: number): Promise<SpooledList>;
  /** Removes the files. May be said at any time, and again. */
  remove(): Promise<void>;
}

export function createListSpool(): ListSpool {
  let directory: Promise<string> | null = null;
  return {
    fill: async (body, format, maxBytes) => {
      directory ??= mkdtemp(join(tmpdir(), "carillon-list-"));
      const place = await directory;
      const bodyPath = join(place, "body");
      const hash = createHash("sha256");
      let bytes = 0;
      const measure = async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes > maxBytes) throw tooLarge(format, maxBytes);
          hash.update(chunk);
          yield chunk;
        }
      };
      try {
        await pipeline(body, measure, createWriteStream(bodyPath, { mode: 0o600 }));
      } catch (error) {
        throw (error as { code?: string }).code === "ENOSPC" ? diskFull(error) : error;
      }
      return { format, bodyPath, rowsPath: join(place, "rows"), bytes, bodyHash: hash.digest() };
    },
    remove: async () => {
      const place = await directory?.catch(() => null);
      if (place) await rm(place, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function tooLarge(format: ListFormat, maxBytes: number): AppError {
  const hint = format === "json" ? "Send NDJSON or CSV, or split the list." : "Split the list.";
  const megabytes = Math.floor(maxBytes / 1024 / 1024);
  return new AppError("body_too_large", {
    message: `The list is larger than ${megabytes} MB. ${hint}`,
    details: { max_bytes: maxBytes },
  });
}

function diskFull(cause: unknown): AppError {
  return new AppError("server_busy", {
    message: "The server has no room for the list right now. Send it again later.",
    retryAfterSeconds: 60,
    cause,
  });
}
