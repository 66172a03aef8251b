// Agents of a key. A deleted agent keeps its row, because calls and campaigns point at it; nothing
// here reads it again.

import type { AgentSettings } from "../domain/agent-settings.ts";
import type { Instant } from "../domain/instant.ts";
import type { Queryable, Row } from "../ports/database.ts";
import { sqlInstant } from "./sql-instant.ts";

export interface AgentRow extends Row {
  readonly id: string;
  readonly uuid: string;
  readonly keyId: string;
  readonly name: string;
  readonly isActive: boolean;
  readonly timezone: string | null;
  readonly settings: AgentSettings;
  /** What its tools are called with, encrypted; null: no tool has headers. */
  readonly toolHeadersEncrypted: Uint8Array | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

const COLUMNS = `id, uuid, key_id as "keyId", name, is_active as "isActive", timezone, settings,
  tool_headers_encrypted as "toolHeadersEncrypted", created_at as "createdAt", updated_at as "updatedAt"`;

export async function createAgent(db: Queryable, agent: AgentRow): Promise<void> {
  await db.query(
    `insert into agents (id, uuid, key_id, name, is_active, timezone, settings, created_at, updated_at, tool_headers_encrypted)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)`,
    [
      agent.id,
      agent.uuid,
      agent.keyId,
      agent.name,
      agent.isActive,
      agent.timezone,
      JSON.stringify(agent.settings),
      sqlInstant(agent.createdAt),
      agent.toolHeadersEncrypted,
    ],
  );
}

/** An agent of this key that is not deleted, active or not. */
export async function findAgent(
  db: Queryable,
  keyId: string,
  agentId: string,
): Promise<AgentRow | null> {
  const { rows } = await db.query<AgentRow>(
    `select ${COLUMNS} from agents where id = $1 and key_id = $2 and deleted_at is null`,
    [agentId, keyId],
  );
  return rows[0] ?? null;
}

/** For the operator at the command line, who is no tenant. */
export async function findAgentOfAnyKey(db: Queryable, agentId: string): Promise<AgentRow | null> {
  const { rows } = await db.query<AgentRow>(
    `select ${COLUMNS} from agents where id = $1 and deleted_at is null`,
    [agentId],
  );
  return rows[0] ?? null;
}

/** `findAgent`, locked for the rest of the transaction. */
export async function lockAgent(
  tx: Queryable,
  keyId: string,
  agentId: string,
): Promise<AgentRow | null> {
  const { rows } = await tx.query<AgentRow>(
    `select ${COLUMNS} from agents where id = $1 and key_id = $2 and deleted_at is null for update`,
    [agentId, keyId],
  );
  return rows[0] ?? null;
}

/** Active agents, newest first. */
export async function listAgents(
  db: Queryable,
  keyId: string,
  page: { readonly limit: number; readonly offset: number },
): Promise<readonly AgentRow[]> {
  const { rows } = await db.query<AgentRow>(
    `select ${COLUMNS} from agents where key_id = $1 and deleted_at is null and is_active
     order by created_at desc, id desc limit $2 offset $3`,
    [keyId, page.limit, page.offset],
  );
  return rows;
}

/** Writes back an agent that the transaction has locked. */
export async function updateAgent(tx: Queryable, agent: AgentRow): Promise<void> {
  await tx.query(
    `update agents set name = $2, is_active = $3, timezone = $4, settings = $5, updated_at = $6,
       tool_headers_encrypted = $7 where id = $1`,
    [
      agent.id,
      agent.name,
      agent.isActive,
      agent.timezone,
      JSON.stringify(agent.settings),
      sqlInstant(agent.updatedAt),
      agent.toolHeadersEncrypted,
    ],
  );
}

/** Deletes an agent and leaves its numbers without one. Answers whether there was one. */
export async function deleteAgent(
  db: Queryable,
  keyId: string,
  agentId: string,
  now: Instant,
): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `with gone as (
       update agents set deleted_at = $3, updated_at = $3
       where id = $1 and key_id = $2 and deleted_at is null returning id),
     orphaned as (
       update phone_numbers set agent_id = null, updated_at = $3 where agent_id in (select id from gone))
     select exists (select from gone) as found`,
    [agentId, keyId, sqlInstant(now)],
  );
  return rows[0]?.found ?? false;
}
