// Phone numbers of a key and the carrier account behind them. One account row serves every number
// of that account, whoever imported it: pace and concurrency are the carrier's, not a key's.

import type { NumberSettings } from "../domain/agent-settings.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface PhoneNumberRow extends Row {
  readonly id: string;
  readonly phone: E164;
  readonly keyId: string;
  readonly agentId: string | null;
  readonly accountId: string;
  readonly carrierNumberId: string | null;
  readonly outboundEnabled: boolean;
  readonly settings: NumberSettings;
  readonly benchReason: string | null;
  readonly benchedAt: Instant | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  // Of its account:
  readonly carrierAccountId: string;
  readonly callsPerSecond: number;
  readonly maxConcurrentCalls: number | null;
  readonly pauseReason: string | null;
}

const COLUMNS = `n.id, n.phone, n.key_id as "keyId", n.agent_id as "agentId", n.account_id as "accountId",
  n.carrier_number_id as "carrierNumberId", n.outbound_enabled as "outboundEnabled", n.settings,
  n.bench_reason as "benchReason", n.benched_at as "benchedAt", n.created_at as "createdAt", n.updated_at as "updatedAt",
  c.carrier_account_id as "carrierAccountId", c.calls_per_second as "callsPerSecond",
  c.max_concurrent_calls as "maxConcurrentCalls", c.pause_reason as "pauseReason"`;
const NUMBERS = "phone_numbers n join carrier_accounts c on c.id = n.account_id";

/** Whose a number is, among all keys; null: nobody imported it. */
export async function findNumberOwner(db: Queryable, phone: E164): Promise<string | null> {
  const { rows } = await db.query<{ keyId: string }>(
    'select key_id as "keyId" from phone_numbers where phone = $1',
    [phone],
  );
  return rows[0]?.keyId ?? null;
}

export async function findNumber(
  db: Queryable,
  keyId: string,
  phone: E164,
): Promise<PhoneNumberRow | null> {
  const { rows } = await db.query<PhoneNumberRow>(
    `select ${COLUMNS} from ${NUMBERS} where n.phone = $1 and n.key_id = $2`,
    [phone, keyId],
  );
  return rows[0] ?? null;
}

/** `findNumber`, locked for the rest of the transaction. */
export async function lockNumber(
  tx: Queryable,
  keyId: string,
  phone: E164,
): Promise<PhoneNumberRow | null> {
  const { rows } = await tx.query<PhoneNumberRow>(
    `select ${COLUMNS} from ${NUMBERS} where n.phone = $1 and n.key_id = $2 for update of n`,
    [phone, keyId],
  );
  return rows[0] ?? null;
}

// As many as the contract lists without paging (B.2.5).
const MAX_LISTED_NUMBERS = 1_000;

/** Newest first, of all agents or of one. */
export async function listNumbers(
  db: Queryable,
  keyId: string,
  agentId: string | null,
): Promise<readonly PhoneNumberRow[]> {
  const { rows } = await db.query<PhoneNumberRow>(
    `select ${COLUMNS} from ${NUMBERS} where n.key_id = $1 and ($2::text is null or n.agent_id = $2)
     order by n.created_at desc, n.id desc limit ${MAX_LISTED_NUMBERS}`,
    [keyId, agentId],
  );
  return rows;
}

/** Numbers an agent may call from, oldest first. */
export async function listOutboundNumbers(
  db: Queryable,
  keyId: string,
  agentId: string,
): Promise<readonly PhoneNumberRow[]> {
  const { rows } = await db.query<PhoneNumberRow>(
    `select ${COLUMNS} from ${NUMBERS} where n.key_id = $1 and n.agent_id = $2 and n.outbound_enabled
     order by n.created_at, n.id limit ${MAX_LISTED_NUMBERS}`,
    [keyId, agentId],
  );
  return rows;
}

export interface NewPhoneNumber {
  readonly id: string;
  readonly phone: E164;
  readonly keyId: string;
  readonly agentId: string;
  readonly accountId: string;
  readonly carrierNumberId: string | null;
  readonly settings: NumberSettings;
  readonly createdAt: Instant;
}

/** Answers false when somebody has imported the phone already. */
export async function createNumber(tx: Queryable, number: NewPhoneNumber): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into phone_numbers
       (id, phone, key_id, agent_id, account_id, carrier_number_id, settings, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
     on conflict (phone) do nothing`,
    [
      number.id,
      number.phone,
      number.keyId,
      number.agentId,
      number.accountId,
      number.carrierNumberId,
      JSON.stringify(number.settings),
      sqlInstant(number.createdAt),
    ],
  );
  return rowCount === 1;
}

/** Writes back a number that the transaction has locked. */
export async function updateNumber(tx: Queryable, number: PhoneNumberRow): Promise<void> {
  await tx.query(
    `update phone_numbers set agent_id = $2, outbound_enabled = $3, settings = $4, updated_at = $5,
       benched_at = $6, bench_reason = $7
     where id = $1`,
    [
      number.id,
      number.agentId,
      number.outboundEnabled,
      JSON.stringify(number.settings),
      sqlInstant(number.updatedAt),
      number.benchedAt === null ? null : sqlInstant(number.benchedAt),
      number.benchReason,
    ],
  );
}

/**
 * Forgets a number. Campaigns that dial from it keep its id and will not find it. Answers whether
 * there was one.
 */
export async function deleteNumber(db: Queryable, keyId: string, phone: E164): Promise<boolean> {
  const { rowCount } = await db.query(
    "delete from phone_numbers where phone = $1 and key_id = $2",
    [phone, keyId],
  );
  return rowCount === 1;
}
