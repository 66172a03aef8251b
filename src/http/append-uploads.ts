// Lists under way: how many at once, in all and of one key, and their files, which go when the
// request ends however it ends.

import type { FastifyRequest } from "fastify";

import { AppError } from "../domain/app-error.ts";
import { createListSpool, type ListSpool } from "./list-spool.ts";

// Each holds a connection and up to two gigabytes of disk.
const MAX_UPLOADS = 16;
// One that arrives while another is written; a third would only wait for them.
const MAX_UPLOADS_PER_KEY = 2;
const RETRY_AFTER_SECONDS = 5;

export interface Uploads {
  /** @throws AppError `server_busy` (retryable) when too many lists are under way. */
  open(request: FastifyRequest, keyId: string): void;
  /** The request's files. From `take` on they are the caller's, and `close` does nothing. */
  spoolOf(request: FastifyRequest): ListSpool;
  take(request: FastifyRequest): { readonly release: () => Promise<void> };
  close(request: FastifyRequest): Promise<void>;
}

interface Upload {
  readonly keyId: string;
  readonly spool: ListSpool;
}

export function createUploads(): Uploads {
  const uploads = new Map<FastifyRequest, Upload>();
  // Those of handlers at work count as well.
  const counts = new Map<string, number>();
  let total = 0;
  const count = (keyId: string, change: 1 | -1): void => {
    total += change;
    const next = (counts.get(keyId) ?? 0) + change;
    if (next === 0) counts.delete(keyId);
    else counts.set(keyId, next);
  };
  const end = async ({ keyId, spool }: Upload): Promise<void> => {
    count(keyId, -1);
    await spool.remove();
  };
  const remove = (request: FastifyRequest): Upload | null => {
    const upload = uploads.get(request) ?? null;
    uploads.delete(request);
    return upload;
  };
  return {
    open: (request, keyId) => {
      if ((counts.get(keyId) ?? 0) >= MAX_UPLOADS_PER_KEY) {
        throw busy(`This key has ${MAX_UPLOADS_PER_KEY} lists under way.`);
      }
      if (total >= MAX_UPLOADS) throw busy("The server takes in as many lists as it can.");
      uploads.set(request, { keyId, spool: createListSpool() });
      count(keyId, 1);
    },
    spoolOf: (request) => {
      const upload = uploads.get(request);
      if (upload === undefined) throw new Error("a list was read before it was counted");
      return upload.spool;
    },
    take: (request) => {
      const upload = remove(request);
      return {
        release: async () => {
          if (upload !== null) await end(upload);
        },
      };
    },
    close: async (request) => {
      const upload = remove(request);
      if (upload !== null) await end(upload);
    },
  };
}

function busy(why: string): AppError {
  return new AppError("server_busy", {
    message: `${why} Send this one again in a moment.`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
