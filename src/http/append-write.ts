// From a parsed list to recipients of a campaign: one transaction, all or nothing. The campaign's
// row is locked last and for milliseconds; what it says then decides. A list that is still being
// copied holds up neither a pause nor the engine.

import { createReadStream } from "node:fs";

import type { FastifyRequest } from "fastify";

import { AppError } from "../domain/app-error.ts";
import { appendRefusal, type CampaignStatus } from "../domain/campaign-life.ts";
import type { Instant } from "../domain/instant.ts";
import { zoneDataVersion } from "../domain/time-zone.ts";
import type { Queryable } from "../ports/database.ts";
import {
  appendShare,
  countAppended,
  createStage,
  lockAppends,
  lockForAppend,
  nextRowIndex,
} from "../store/campaign-append.ts";
import { settleSuppressedOfCampaign } from "../store/suppressed-recipients.ts";
import { addGroups } from "../store/zone-groups.ts";
import type { ParsedAppend } from "./append-parsing.ts";
import type { AppendedRecipients } from "./contract/append.ts";
import { commitAnswer } from "./idempotency.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

// A large list takes half a minute.
const RETRY_AFTER_SECONDS = 15;

export interface ListToWrite {
  readonly campaignId: string;
  readonly keyId: string;
  readonly rowsPath: string;
  readonly parsed: ParsedAppend;
}

/**
 * @throws AppError `campaign_already_completed` or `campaign_state_conflict` when the campaign has
 * ended meanwhile, `server_busy` (retryable) while another list is appended to it.
 */
export function writeAppend(
  ports: Pick<HttpDependencies, "database" | "clock">,
  request: FastifyRequest,
  list: ListToWrite,
): Promise<{ readonly status: number; readonly body: string }> {
  return commitAnswer(ports, request, async (tx) => ({
    status: 201,
    body: await writeRows(tx, list, ports.clock.now()),
  }));
}

async function writeRows(
  tx: Queryable,
  list: ListToWrite,
  now: Instant,
): Promise<AppendedRecipients> {
  const { campaignId, keyId, parsed } = list;
  if (!(await lockAppends(tx, campaignId))) throw anotherList();
  const firstRowIndex = await nextRowIndex(tx, campaignId);
  await createStage(tx);
  const staged = {
    campaignId,
    keyId,
    firstRowIndex,
    skipDuplicates: parsed.options.skipDuplicates,
  };
  const written = { validCount: 0, duplicateCount: 0 };
  for (const { startByte, endByte } of parsed.segments) {
    const chunks = createReadStream(list.rowsPath, { start: startByte, end: endByte - 1 });
    const share = await appendShare(tx, staged, chunks);
    written.validCount += share.validCount;
    written.duplicateCount += share.duplicateCount;
  }
  const skipped = staged.skipDuplicates ? written.duplicateCount : 0;
  if (written.validCount + skipped !== parsed.validCount) {
    throw new Error(`appended ${written.validCount} recipients of ${parsed.validCount}`);
  }
  const suppressedCount = await settleSuppressedOfCampaign(tx, { id: campaignId, keyId }, now);
  const campaign = await lockForAppend(tx, campaignId);
  if (campaign === null) throw new Error("a campaign vanished while a list was appended");
  refuseClosed(campaign.status);
  // Another list, or an edit of the mode's groups, has been written since this one was read.
  if (!(await addGroups(tx, campaignId, parsed.zoneGroups, zoneDataVersion()))) throw anotherList();
  const { invalidCount } = parsed;
  const recipientsCount = await countAppended(tx, campaignId, { ...written, invalidCount });
  return {
    campaign_id: campaignId,
    status: campaign.status,
    valid_count: written.validCount,
    invalid_count: invalidCount,
    invalid: [...parsed.invalid],
    duplicate_count: written.duplicateCount,
    suppressed_count: suppressedCount,
    first_row_index: firstRowIndex,
    recipients_count: recipientsCount,
  };
}

/** @throws AppError when a campaign in this state takes no more recipients. */
function refuseClosed(status: CampaignStatus): void {
  const code = appendRefusal(status);
  if (code === null) return;
  throw new AppError(code, {
    message: `A ${status} campaign takes no more recipients; create a new campaign for them.`,
    details: { status },
  });
}

function anotherList(): AppError {
  return new AppError("server_busy", {
    message: "Another list is being appended to this campaign. Send this one again in a moment.",
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
