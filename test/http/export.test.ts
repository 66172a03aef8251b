// A campaign's results as a file.

import { afterAll, expect, test } from "vitest";
import { formatCsvLine } from "../../src/http/csv-line.ts";
import { testDatabase } from "../support/test-database.ts";
import { nextPhone, testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

test.each([
  [[1, "a", true, null], "1,a,true,\r\n"],
  [['say "x"', "a,b", "a\nb"], '"say ""x""","a,b","a\nb"\r\n'],
  [
    ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3"],
    "'=1+1,'@SUM(A1),'+cmd|' /C calc'!A0,'-2+3\r\n",
  ],
  [[" =1", "\t=1", "\r=1"], "' =1,'\t=1,\"'\r=1\"\r\n"],
  [["+12025550123", "-5", "-5.25"], "+12025550123,-5,-5.25\r\n"],
])("%j is one safe line", (cells, line) => {
  expect(formatCsvLine(cells)).toBe(line);
});

test("every recipient is a row, over the bounds of pages, in both forms", async () => {
  const caller = await server.caller();
  await caller.ask("PUT", `/v1/agents/${caller.agentId}`, {
    data_extraction_fields: [{ type: "text", name: "Wish, if any", description: "" }],
  });
  const phones = Array.from({ length: 501 }, () => nextPhone());
  const batch = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: "Say hello.",
    recipients: phones.map((phone) => ({ phone, variables: { name: "Ada" } })),
  });
  const id = batch.body.campaign_id;
  await db.query(
    `with r as (select * from recipients where campaign_id = $1 and row_index = 0)
     insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id, account_id, from_number,
       to_number, attempt, status, open, created_at, transcript)
     select 'call_export', r.key_id, $1, r.id, g.agent_id, g.phone_number_id, n.account_id, g.from_number, r.phone, 1,
       'completed', false, g.created_at, '[{"role":"caller","text":"=evil()"}]'
     from r join campaigns g on g.id = $1 join phone_numbers n on n.id = g.phone_number_id`,
    [id],
  );
  await db.query(
    `insert into call_analyses (call_id, key_id, state, summary, successful, sentiment, extracted, created_at)
     values ('call_export', $1, 'done', 'Fine.', true, 'happy', '{"Wish, if any": "=1+1"}', '2030-01-01')`,
    [caller.keyId],
  );
  const csv = await caller.ask("GET", `/v1/calls/batch/${id}/export`);
  expect(csv.headers["content-type"]).toBe("text/csv; charset=utf-8");
  expect(csv.headers["content-disposition"]).toBe(`attachment; filename="${id}.csv"`);
  const lines = csv.text.trimEnd().split("\r\n");
  expect(lines).toHaveLength(502);
  expect(lines[0]).toMatch(/^row_index,phone,state,.*,variables,"extracted.Wish, if any"$/);
  expect(lines[1]).toContain(`0,${phones[0]},waiting,`);
  expect(lines[1]).toMatch(/,done,Fine.,happy,true,Caller: =evil\(\),.*,'=1\+1$/);
  expect(lines[501]).toContain(`500,${phones[500]},waiting,`);

  const ndjson = await caller.ask("GET", `/v1/calls/batch/${id}/export?format=ndjson`);
  const rows = ndjson.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map((row) => row.phone)).toEqual(phones);
  expect(rows[0]).toMatchObject({
    call_id: "call_export",
    call_summary: "Fine.",
    extracted_data: { "Wish, if any": "=1+1" },
    variables: { name: "Ada" },
  });
  expect(rows[1]).toMatchObject({ call_id: null, call_status: null, extracted_data: {} });
  const wrong = await caller.ask("GET", `/v1/calls/batch/${id}/export?format=xlsx`);
  expect(wrong.body.error.code).toBe("invalid_request");
});
