// Whatever bytes arrive, a batch is answered with 201 or a 4xx in the envelope, and what was
// counted is what was written. Bodies are drawn near the contract, because far from it everything
// is refused by its first byte.

import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { batchFieldNames } from "../../src/http/contract/batch.ts";
import { testDatabase } from "../support/test-database.ts";
import { testServer, type Answer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());
const tenant = await server.caller({ concurrent_call_limit: 0 });

// A request and a few statements each.
const RUNS = 150;

const oddText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("", " ", "\u0000", "\ud800", "\\N", "a\tb\nc\rd\\", "__proto__", "'; drop table"),
);
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, true, 0, -1, 1e308, 2 ** 53, [], {}, [[[[]]]], "9".repeat(300)),
);
const phone = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: 0, max: 99 }).map((n) => `+1202555${String(100 + n)}`),
  },
  { weight: 1, arbitrary: fc.constantFrom("+1202555 01 00", "12025550100", "+1", "+1900555") },
  { weight: 1, arbitrary: oddValue },
);
const recipient = fc.oneof(
  { weight: 8, arbitrary: fc.record({ phone }) },
  {
    weight: 4,
    arbitrary: fc.record({
      phone,
      variables: fc.record({ name: fc.string({ maxLength: 40 }), visits: fc.integer() }),
      prompt_override: fc.string({ maxLength: 40 }),
    }),
  },
);
const soundBatch = fc.record(
  {
    agent_id: fc.constant(tenant.agentId),
    prompt: fc.constant("Say hello."),
    recipients: fc.array(recipient, { minLength: 1, maxLength: 6 }),
    allow_duplicate: fc.constant(true),
    skip_invalid: fc.constant(true),
    skip_duplicates: fc.boolean(),
    timezone: fc.constantFrom("Asia/Dubai", "America/New_York"),
    window_days: fc.subarray(["mon", "wed", "sun"], { minLength: 1 }),
  },
  {
    requiredKeys: ["agent_id", "prompt", "recipients", "allow_duplicate", "skip_invalid"],
  },
);
const oddField = fc.oneof(
  fc.tuple(fc.constantFrom(...batchFieldNames), oddValue),
  fc.tuple(fc.constant("scheduled_date"), fc.constantFrom("2030-06-15", "2030-02-30")),
  fc.tuple(fc.constant("window_start_minutes"), fc.integer({ min: -1, max: 1441 })),
  fc.tuple(
    fc.constant("recipients"),
    fc.array(
      fc.oneof(
        oddValue,
        fc.record({ phone, variables: fc.dictionary(oddText, oddValue, { maxKeys: 2 }) }),
        fc.record({ phone, prompt_override: oddValue }),
      ),
      { maxLength: 3 },
    ),
  ),
);
const batch = fc
  .tuple(soundBatch, fc.option(oddField, { freq: 1 }))
  .map(([sound, odd]) => JSON.stringify({ ...sound, ...(odd && { [odd[0]]: odd[1] }) }));

async function send(body: string | Buffer): Promise<Answer> {
  const answer = await tenant.ask("POST", "/v1/calls/batch", body);
  if (answer.status !== 201) {
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    expect(answer.status, answer.text).toBeLessThan(500);
    expect(Object.keys(answer.body.error)).toEqual([
      "type",
      "code",
      "message",
      "doc_url",
      "details",
    ]);
  }
  return answer;
}

test("a batch near the contract is created as it was counted, or refused with a reason", async () => {
  let created = 0;
  await fc.assert(
    fc.asyncProperty(batch, async (body) => {
      const { status, body: answer } = await send(body);
      if (status !== 201) return;
      created += 1;
      const { rows } = await db.query<{ state: string; phone: string }>(
        "select state, phone from recipients where campaign_id = $1",
        [answer.campaign_id],
      );
      const waiting = rows.filter((row) => row.state === "waiting");
      expect(waiting.length).toBe(answer.valid_count);
      expect(rows.length - waiting.length).toBe(answer.invalid_count);
      expect(waiting.every((row) => /^\+\d{7,15}$/.test(row.phone))).toBe(true);
    }),
    { numRuns: RUNS },
  );
  expect(created).toBeGreaterThan(0);
});

test("any bytes at all are answered with a reason", async () => {
  const whole = Buffer.from(
    JSON.stringify({ agent_id: tenant.agentId, prompt: "p", recipients: [{ phone: "+1" }] }),
  );
  const broken = fc
    .tuple(fc.nat(whole.length - 1), fc.nat(255))
    .map(([at, byte]) =>
      Buffer.concat([whole.subarray(0, at), Buffer.of(byte), whole.subarray(at + 1)]),
    );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        broken,
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      ),
      async (bytes) => {
        expect((await send(bytes)).status).not.toBe(201);
      },
    ),
    { numRuns: RUNS },
  );
});

test("every text of a recipient comes back as it was sent", async () => {
  const text = fc.string({ unit: "binary", maxLength: 60 }).filter((it) => !it.includes("\u0000"));
  await fc.assert(
    fc.asyncProperty(text, text, async (value, override) => {
      const variables = { name: value };
      const made = await send(
        JSON.stringify({
          agent_id: tenant.agentId,
          prompt: "p",
          allow_duplicate: true,
          recipients: [{ phone: "+12025550100", variables, prompt_override: override }],
        }),
      );
      expect(made.status).toBe(201);
      const { rows } = await db.query(
        "select variables, prompt_override as override from recipients where campaign_id = $1",
        [made.body.campaign_id],
      );
      expect(rows[0]).toEqual({ variables, override: override.trim() === "" ? null : override });
    }),
    { numRuns: RUNS },
  );
});
