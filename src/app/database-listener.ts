// LISTEN on a connection of its own, which comes back by itself after the server went away.
// Notifications sent while it was away are lost, which is allowed: a notification may only make
// something happen sooner.

import pg from "pg";
import { connectError } from "./database-errors.ts";

/** A subscription to one channel. */
export interface Listener {
  /** Ends the subscription. Idempotent. */
  close(): Promise<void>;
}

// First wait short, so that a restarted server is heard again at once; longest short enough that
// nobody waits for it (the engine looks by itself every few seconds).
const MIN_RECONNECT_MS = 100;
const MAX_RECONNECT_MS = 5_000;

/**
 * Subscribes to `channel`. Resolves when the server has confirmed; later breaks are repaired with
 * backoff and reported to `onBreak`.
 * @throws AppError `database_unavailable` when the first connection fails.
 */
export async function startListener(
  config: pg.ClientConfig,
  channel: string,
  onNotify: (payload: string) => void,
  onBreak: (error: Error) => void,
): Promise<Listener> {
  let isClosed = false;
  let client: pg.Client;
  let timer: NodeJS.Timeout | undefined;
  let waitMs = MIN_RECONNECT_MS;

  const connect = async (): Promise<pg.Client> => {
    const next = new pg.Client(config);
    // Without a listener the driver's "error" event would end the process. The "end" event that
    // follows does the work.
    next.on("error", onBreak);
    next.on("notification", (notification) => {
      if (notification.channel === channel) onNotify(notification.payload ?? "");
    });
    try {
      await next.connect();
      await next.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      await next.end().catch(() => {});
      throw error;
    }
    next.once("end", reconnectLater);
    return next;
  };

  const reconnectLater = (): void => {
    if (isClosed) return;
    timer = setTimeout(() => {
      reconnect().catch(onBreak);
    }, waitMs);
    waitMs = Math.min(waitMs * 2, MAX_RECONNECT_MS);
  };

  const reconnect = async (): Promise<void> => {
    try {
      const next = await connect();
      if (isClosed) {
        await next.end();
        return;
      }
      client = next;
      waitMs = MIN_RECONNECT_MS;
    } catch (error) {
      onBreak(connectError(error));
      reconnectLater();
    }
  };

  try {
    client = await connect();
  } catch (error) {
    throw connectError(error);
  }
  return {
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      await client.end().catch(() => {});
    },
  };
}
