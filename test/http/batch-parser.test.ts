// Large bodies: the same answer from a thread as from here, and a bound on how many at once.

import { expect, test } from "vitest";
import { createBatchParser } from "../../src/http/batch-parser.ts";
import { parseBatch, type BatchParsingRequest } from "../../src/http/batch-parsing.ts";

function request(recipients: readonly unknown[], more: object = {}): BatchParsingRequest {
  const body = Buffer.from(
    JSON.stringify({ agent_id: "agent_1", prompt: "p", recipients, ...more }),
  );
  return {
    body: new Uint8Array(body),
    campaignId: "batchcall_0123456789abcdef",
    keyId: "key_0",
    createdAt: "2030-06-12T11:00:00.000Z",
    purpose: "create",
    allowedCountries: null,
  };
}

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    phone: `+12025550${100 + (index % 100)}`,
    variables: { note: `line\n${index}\t\\` },
  }));

test("a large body is parsed in a thread, with the same answer as here", async () => {
  const parser = createBatchParser();
  const large = request(many(3_000), { skip_duplicates: false });
  const here = parseBatch({ ...large, body: large.body.slice() });
  const there = await parser.parse(large);
  expect(there).toEqual(here);
  expect(there).toMatchObject({ kind: "parsed", validCount: 3_000, duplicateCount: 2_900 });
  // Its buffer went to the thread: nothing was copied.
  expect(large.body.byteLength).toBe(0);
});

test("a refusal comes back from the thread as a value", async () => {
  const parser = createBatchParser();
  const refused = await parser.parse(
    request([...many(3_000), { phone: "+12025550100", surprise: 1 }]),
  );
  expect(refused).toMatchObject({
    kind: "refused",
    code: "invalid_request",
    details: { field: "recipients[3000].surprise" },
  });
  const listed = await parser.parse(
    request(Array.from({ length: 3_000 }, () => ({ phone: "12" }))),
  );
  expect(listed).toMatchObject({
    kind: "refused",
    code: "invalid_phone_format",
    details: { total: 3_000, invalid_count: 3_000 },
  });
  expect(listed.kind === "refused" && listed.details["invalid"]).toHaveLength(1_000);
});

test("two threads and a short queue; beyond that the server says it is busy", async () => {
  const parser = createBatchParser();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 14 }, () => parser.parse(request(many(1_000)))),
  );
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(refused).toHaveLength(4);
  expect(refused[0]?.reason).toMatchObject({
    code: "server_busy",
    retryable: true,
    retryAfterSeconds: 5,
  });
  // Every place is free again.
  expect((await parser.parse(request(many(1_000)))).kind).toBe("parsed");
});
