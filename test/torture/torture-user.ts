// The user who wants ever more people called: makes campaigns while few are waiting, looks at them
// now and then, and at the end waits until everybody is settled.

import { setTimeout as delay } from "node:timers/promises";
import { parsePhone } from "../../src/domain/phone.ts";
import { testPhones } from "../support/campaign-set-up.ts";
import type { RecoveryWatch } from "./recovery.ts";
import type { TortureClient } from "./torture-client.ts";
import type { Progress } from "./torture-tables.ts";

const MAX_CAMPAIGN = 1_000;
/** The user adds people while fewer than this wait. */
const MIN_WAITING = 1_500;
const MAX_PHONES = 78_000;
const PROGRESS_MS = 5_000;
const LOOK_MS = 1_000;
/**
 * Nothing goes wrong before so many are settled: until its first callback an account has one call
 * at a time, and a torture that begins with that call is a torture of nobody for 150 s.
 */
const MIN_SETTLED = 20;
/** Requests at once. */
const MAX_REQUESTS = 6;
/**
 * Two requests without an answer, one after the other, take two times 150 s and some; before that
 * the rest of the recipients are dialed.
 */
const SETTLE_LIMIT_MS = 900_000;

export interface TortureUser {
  /** Calls are being made. */
  readonly someSettled: Promise<void>;
  /** Everybody on a list so far. */
  phones(): readonly string[];
  /** No more than the recipients asked for; resolves when all are settled, or never will be. */
  settle(): Promise<void>;
  stop(): void;
}

export function startTortureUser(parts: {
  readonly client: TortureClient;
  readonly recovery: RecoveryWatch;
  /** At least so many are called. */
  readonly recipients: number;
  readonly look: () => Promise<Progress | null>;
  readonly onProgress: (line: string) => void;
}): TortureUser {
  const { client, recovery, look } = parts;
  const everybody = testPhones(MAX_PHONES).filter((phone) => parsePhone(phone).kind === "valid");
  const size = Math.min(MAX_CAMPAIGN, Math.ceil(parts.recipients / 4));
  const campaigns: string[] = [];
  const underWay = new Set<Promise<void>>();
  const some = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  let used = 0;
  let isOver = false;

  const add = async (): Promise<void> => {
    const phones = everybody.slice(used, used + size);
    used += phones.length;
    if (phones.length > 0) campaigns.push(await client.createCampaign(phones));
  };
  const readOne = async (): Promise<void> => {
    const campaign = campaigns[used % Math.max(1, campaigns.length)];
    if (campaign !== undefined) await client.readCampaign(campaign);
  };
  // A request may take long or be refused for a while: others are made beside it.
  const start = (work: Promise<void>): void => {
    if (underWay.size >= MAX_REQUESTS) return;
    const tracked = work
      .catch((error: unknown) => void client.broken.push(String(error)))
      .finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  };
  const act = ({ total, waiting, unsettled, open }: Progress): void => {
    if (total - unsettled >= MIN_SETTLED) some.resolve();
    if (waiting === 0) recovery.nothingToDo();
    const isEnough = isOver && used >= parts.recipients;
    if (isEnough && underWay.size === 0 && unsettled === 0 && open === 0) all.resolve();
    const hasRoom = underWay.size < MAX_REQUESTS;
    if (!isEnough && hasRoom && waiting < Math.min(MIN_WAITING, 2 * size)) start(add());
    if (hasRoom && !isEnough) start(readOne());
  };
  start(add());
  const looking = setInterval(() => {
    look().then(
      (progress) => {
        if (progress !== null) act(progress);
      },
      () => {},
    );
  }, LOOK_MS);
  const telling = setInterval(() => {
    look().then(
      (progress) => {
        const silentMs = Math.round(recovery.silentMs());
        parts.onProgress(`${formatProgress(progress)}, last placed ${silentMs} ms ago`);
      },
      () => {},
    );
  }, PROGRESS_MS);
  return {
    someSettled: some.promise,
    phones: () => everybody.slice(0, used),
    settle: async () => {
      isOver = true;
      // Whoever is left then is stuck, and the ledger says so.
      await Promise.race([all.promise, delay(SETTLE_LIMIT_MS, undefined, { ref: false })]);
    },
    stop: () => {
      clearInterval(looking);
      clearInterval(telling);
    },
  };
}

function formatProgress(progress: Progress | null): string {
  if (progress === null) return "the database is away";
  const { total, unsettled, open } = progress;
  return `${total} on lists, ${total - unsettled} settled, ${open} open`;
}
