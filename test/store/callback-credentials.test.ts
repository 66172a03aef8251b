// Which account a callback about a call must come from, and which of its tokens still count.

import { expect, test } from "vitest";

import { findCallbackCredentials } from "../../src/store/callback-credentials.ts";
import { sqlInstant } from "../../src/store/sql-instant.ts";
import { testDatabase } from "../support/test-database.ts";

const db = await testDatabase();
const changedAt = Date.UTC(2026, 10, 23);
const validUntil = changedAt + 86_400_000;

interface Token {
  readonly current: string;
  readonly previous: string | null;
}

async function insertCall(id: string, token: Token): Promise<void> {
  const at = sqlInstant(changedAt);
  await db.query(
    "insert into api_keys (id, secret_hash, concurrent_call_limit, created_at) values ($1, '', 1, $2)",
    [`key_${id}`, at],
  );
  await db.query(
    `insert into agents (id, uuid, key_id, name, is_active, settings, created_at, updated_at)
     values ($1, gen_random_uuid(), $2, 'A', true, '{}', $3, $3)`,
    [`agent_${id}`, `key_${id}`, at],
  );
  await db.query(
    `insert into carrier_accounts (id, carrier_account_id, auth_token_encrypted,
       previous_token_encrypted, previous_token_valid_until, account_type, calls_per_second,
       next_dial_at, created_at) values ($1, $2, $3, $4, $5, 'full', 1, $6, $6)`,
    [
      `acct_${id}`,
      `AC${id}`,
      Buffer.from(token.current),
      token.previous === null ? null : Buffer.from(token.previous),
      token.previous === null ? null : sqlInstant(validUntil),
      at,
    ],
  );
  await db.query(
    `with recipient as (
       insert into recipients (key_id, row_index, phone, variables, due_at)
       values ($1, 0, '+12025550123', '{}', $5) returning id)
     insert into calls (id, key_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, status, open, created_at)
     select $2, $1, id, $3, 'num_1', $4, '+12025550100', '+12025550123', 1, 'dialing', true, $5
     from recipient`,
    [`key_${id}`, id, `agent_${id}`, `acct_${id}`, at],
  );
}

const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? Buffer.from(bytes).toString() : null;

test("a call's account and token, without a previous one", async () => {
  await insertCall("call_plain", { current: "box", previous: null });
  const found = await findCallbackCredentials(db, "call_plain", changedAt);
  expect(found?.carrierAccountId).toBe("ACcall_plain");
  expect(text(found?.authTokenEncrypted)).toBe("box");
  expect(found?.previousTokenEncrypted).toBeNull();
});

test("the previous token counts until its time, and not at it", async () => {
  await insertCall("call_rotated", { current: "new box", previous: "old box" });
  const before = await findCallbackCredentials(db, "call_rotated", validUntil - 1);
  expect(text(before?.previousTokenEncrypted)).toBe("old box");
  const after = await findCallbackCredentials(db, "call_rotated", validUntil);
  expect(text(after?.authTokenEncrypted)).toBe("new box");
  expect(after?.previousTokenEncrypted).toBeNull();
});

test("an unknown call has none", async () => {
  expect(await findCallbackCredentials(db, "call_nobody", changedAt)).toBeNull();
});
