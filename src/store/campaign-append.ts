// Appending a list to a campaign, as statements of one transaction. The list is staged in a table
// of the transaction, a share at a time, so that its rows get their numbers and its duplicates are
// counted beside those that the campaign already has.

import type { CampaignStatus } from "../domain/campaign-life.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { RECIPIENT_COPY_COLUMNS } from "./campaign-create.ts";

/**
 * Lets one transaction at a time append to a campaign; false: another one does. Until the
 * campaign's row is locked at the end, nobody but appends is held up.
 */
export async function lockAppends(tx: Queryable, campaignId: string): Promise<boolean> {
  const { rows } = await tx.query<{ locked: boolean }>(
    "select pg_try_advisory_xact_lock(hashtextextended('append ' || $1, 0)) as locked",
    [campaignId],
  );
  return rows[0]?.locked ?? false;
}

export async function nextRowIndex(tx: Queryable, campaignId: string): Promise<number> {
  const { rows } = await tx.query<{ next: number }>(
    "select coalesce(max(row_index) + 1, 0) as next from recipients where campaign_id = $1",
    [campaignId],
  );
  return rows[0]?.next ?? 0;
}

export async function createStage(tx: Queryable): Promise<void> {
  await tx.query(
    `create temporary table staged_recipients on commit drop as
     select ${RECIPIENT_COPY_COLUMNS} from recipients with no data`,
  );
}

export interface StagedList {
  readonly campaignId: string;
  readonly keyId: string;
  /** Of the list's first entry: the staged rows count from 0. */
  readonly firstRowIndex: number;
  readonly skipDuplicates: boolean;
}

export interface WrittenShare extends Row {
  /** Rows written that may be called. */
  readonly validCount: number;
  /** Phones that stand earlier in the campaign. */
  readonly duplicateCount: number;
}

/** Copies one share of the list in and moves it to the recipients. Shares come in order. */
export async function appendShare(
  tx: Queryable,
  list: StagedList,
  chunks: AsyncIterable<Uint8Array>,
): Promise<WrittenShare> {
  await tx.copyFrom(`copy staged_recipients (${RECIPIENT_COPY_COLUMNS}) from stdin`, chunks);
  const { rows } = await tx.query<WrittenShare>(
    `with numbered as (
       select s.*, row_number() over (partition by phone, settled order by row_index) as nth
       from staged_recipients s),
     marked as (
       select n.*, not settled and case when nth > 1 then true else exists (
           select from recipients r where r.key_id = $2 and r.phone = n.phone and r.campaign_id = $1
             and r.state <> 'invalid') end as is_duplicate
       from numbered n),
     kept as (
       insert into recipients (${RECIPIENT_COPY_COLUMNS})
       select campaign_id, key_id, row_index + $3, phone, variables, prompt_override, due_at, state, state_reason,
         claimable, settled, settled_at, zone_group
       from marked where not ($4 and is_duplicate))
     select count(*) filter (where not settled and not ($4 and is_duplicate)) as "validCount",
       count(*) filter (where is_duplicate) as "duplicateCount" from marked`,
    [list.campaignId, list.keyId, list.firstRowIndex, list.skipDuplicates],
  );
  await tx.query("truncate staged_recipients");
  return rows[0] ?? { validCount: 0, duplicateCount: 0 };
}

/**
 * The campaign as it is now, its row held until the transaction ends. A campaign cannot complete,
 * be canceled or be paused in between.
 */
export async function lockForAppend(
  tx: Queryable,
  campaignId: string,
): Promise<{ readonly status: CampaignStatus } | null> {
  const { rows } = await tx.query<{ status: CampaignStatus }>(
    "select status from campaigns where id = $1 for no key update",
    [campaignId],
  );
  return rows[0] ?? null;
}

/** Counts the appended list; answers how many recipients the campaign now has. */
export async function countAppended(
  tx: Queryable,
  campaignId: string,
  added: {
    readonly validCount: number;
    readonly invalidCount: number;
    readonly duplicateCount: number;
  },
): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `update campaigns set recipients_count = recipients_count + $2, invalid_count = invalid_count + $3,
       duplicate_count = duplicate_count + $4 where id = $1 returning recipients_count as count`,
    [campaignId, added.validCount, added.invalidCount, added.duplicateCount],
  );
  return rows[0]?.count ?? 0;
}
