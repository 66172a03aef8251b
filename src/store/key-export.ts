// Everything a key owns, a page at a time, in the order of ids: what is exported is written out
// here, kind by kind, without secrets, their hashes and the engine's own bookkeeping.

import type { Queryable, Row } from "../ports/database.ts";

interface Section {
  readonly kind: string;
  /** With an alias t; $1 is the key. */
  readonly from: string;
  /** Rows to be added to the row itself: name and subselect. */
  readonly with?: Readonly<Record<string, string>>;
  readonly without: readonly string[];
  readonly id: "text" | "bigint";
  /** Where the id is another column. */
  readonly column?: string;
}

const LEASE = ["lease_owner", "lease_until", "look_ups", "look_up_at", "voice_process", "open"];

const SECTIONS: readonly Section[] = [
  {
    kind: "key",
    from: "api_keys t where t.id = $1",
    without: [
      "secret_hash",
      "webhook_secret_encrypted",
      "previous_webhook_secret_encrypted",
      "previous_webhook_secret_valid_until",
    ],
    id: "text",
  },
  {
    kind: "agent",
    from: "agents t where t.key_id = $1",
    without: ["tool_headers_encrypted"],
    id: "text",
  },
  {
    kind: "phone_number",
    from: "phone_numbers t where t.key_id = $1",
    with: {
      carrier_account:
        "select to_jsonb(a.carrier_account_id) from carrier_accounts a where a.id = t.account_id",
    },
    without: ["account_id"],
    id: "text",
  },
  {
    kind: "campaign",
    from: "campaigns t where t.key_id = $1",
    with: {
      earlier_prompts:
        "select jsonb_agg(jsonb_build_object('version', p.version, 'prompt', p.prompt) order by p.version) " +
        "from campaign_prompts p where p.campaign_id = t.id",
    },
    without: ["body_hash", "closing", "pacing_turn", "last_claimed_at"],
    id: "text",
  },
  {
    kind: "recipient",
    from: "recipients t where t.key_id = $1",
    without: ["claimable", "waits_for_phone", "settled", "queued_call_id"],
    id: "bigint",
  },
  {
    kind: "call",
    from: "calls t where t.key_id = $1 and t.erased_at is null",
    with: {
      analysis:
        "select to_jsonb(x) - '{call_id,key_id,claims,due_at}'::text[] from call_analyses x where x.call_id = t.id",
      events:
        "select jsonb_agg(jsonb_build_object('at', e.at, 'kind', e.kind, 'facts', e.facts) order by e.id) " +
        "from call_events e where e.call_id = t.id",
    },
    without: [...LEASE, "account_id", "relay_session_id", "recording_delete_at"],
    id: "text",
  },
  { kind: "suppression", from: "suppressions t where t.key_id = $1", without: [], id: "text" },
  {
    kind: "delivery",
    from: "deliveries t where t.key_id = $1",
    without: ["claims"],
    id: "text",
  },
  {
    kind: "dial_evidence",
    from: "dial_evidence t where t.key_id = $1",
    without: ["phone_hash"],
    id: "text",
    column: "call_id",
  },
  {
    kind: "erasure",
    from: "erasures t where t.key_id = $1",
    without: ["phone_hash", "phone_encrypted", "due_at"],
    id: "text",
  },
];

/** From here to its end the transaction sees one instant. Its first statement. */
export async function beginSnapshot(tx: Queryable): Promise<void> {
  await tx.query("set transaction isolation level repeatable read read only");
}

/** Lines of JSON, each an object with its `kind`; a page of them at a time. */
export async function* readKeyExport(
  tx: Queryable,
  keyId: string,
  pageRows: number,
): AsyncGenerator<string> {
  for (const section of SECTIONS) {
    const text = pageOf(section);
    let after: unknown = section.id === "text" ? "" : 0;
    for (;;) {
      const { rows } = await tx.query<PageRow>(text, [keyId, after, section.without, pageRows]);
      const last = rows.at(-1);
      if (last === undefined) break;
      yield rows.map((row) => `${row.line}\n`).join("");
      after = last.id;
    }
  }
}

interface PageRow extends Row {
  readonly id: string | number;
  readonly line: string;
}

function pageOf(section: Section): string {
  const id = `t.${section.column ?? "id"}`;
  const added = Object.entries(section.with ?? {}).map(([name, query]) => `'${name}', (${query})`);
  const more = added.length === 0 ? "" : ` || jsonb_build_object(${added.join(", ")})`;
  return `select ${id} as id,
      (jsonb_build_object('kind', '${section.kind}') || (to_jsonb(t) - $3::text[])${more})::text as line
    from ${section.from} and ${id} > $2::${section.id} order by ${id} limit $4`;
}
