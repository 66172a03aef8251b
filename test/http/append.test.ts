// Appending recipients: what each form of list becomes, what is refused and why, and that nothing
// is written when anything is.

import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";
import { testServer, type Answer } from "./test-server.ts";

// Lists are spooled in the temporary directory: this file has its own, so that they can be counted.
process.env["TMPDIR"] = await mkdtemp(join(tmpdir(), "append-test-"));
const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
afterAll(() => server.app.close());

let campaigns = 0;
async function campaign(recipients: readonly object[] = [{ phone: "+12025550101" }]) {
  campaigns += 1;
  const made = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: `Remind them (${campaigns}).`,
    recipients,
  });
  return made.body.campaign_id as string;
}

const url = (id: string, query = ""): string => `/v1/calls/batch/${id}/recipients${query}`;
const append = (id: string, body: unknown, query = "", headers: object = {}): Promise<Answer> =>
  caller.ask("POST", url(id, query), body, headers);
const csv = (id: string, body: string | Buffer, query = ""): Promise<Answer> =>
  append(id, body, query, { "content-type": "text/csv" });
const ndjson = (id: string, body: string | Buffer, query = ""): Promise<Answer> =>
  append(id, body, query, { "content-type": "application/x-ndjson" });

async function rowsOf(id: string) {
  const { rows } = await db.query(
    `select row_index, phone, variables, prompt_override, state, state_reason, claimable, settled from recipients
     where campaign_id = $1 order by row_index`,
    [id],
  );
  return rows;
}

const waiting = { state: "waiting", state_reason: null, claimable: true, settled: false };

test("JSON, NDJSON and CSV become the same rows, numbered after the highest", async () => {
  const entries = [
    { phone: "+12025550111", variables: { name: 'Ada, "Countess"' }, timezone: "Asia/Dubai" },
    { phone: "+12025550112", prompt_override: "Two\nlines" },
  ];
  const lists = {
    json: { recipients: entries },
    ndjson: `\ufeff${entries.map((entry) => JSON.stringify(entry)).join("\r\n\r\n")}`,
    csv: '\ufeffphone,name,prompt_override,timezone\r\n+12025550111,"Ada, ""Countess""",,Asia/Dubai\r\n+12025550112,,"Two\nlines",\r\n',
  };
  for (const send of [
    (id: string) => append(id, lists.json),
    (id: string) => ndjson(id, lists.ndjson),
    (id: string) => csv(id, lists.csv),
  ]) {
    const id = await campaign();
    const wakes = server.wakes;
    const answer = await send(id);
    expect(answer.status, answer.text).toBe(201);
    expect(answer.body).toEqual({
      campaign_id: id,
      status: "running",
      valid_count: 2,
      invalid_count: 0,
      invalid: [],
      duplicate_count: 0,
      suppressed_count: 0,
      first_row_index: 1,
      recipients_count: 3,
    });
    expect(server.wakes).toBe(wakes + 1);
    expect((await rowsOf(id)).slice(1)).toEqual([
      {
        row_index: 1,
        phone: "+12025550111",
        variables: { name: 'Ada, "Countess"' },
        prompt_override: null,
        ...waiting,
      },
      {
        row_index: 2,
        phone: "+12025550112",
        variables: {},
        prompt_override: "Two\nlines",
        ...waiting,
      },
    ]);
  }
});

test("invalid entries refuse the list, or are skipped and kept as settled rows", async () => {
  const id = await campaign();
  const list = "phone\n+12025550113\n4.41E+11\n12025550114\n07111000001\n";
  const refused = await csv(id, list);
  expect(refused.status).toBe(400);
  expect(refused.body.error).toMatchObject({
    code: "invalid_phone_format",
    details: { total: 4, valid_count: 1, invalid_count: 3 },
  });
  expect(refused.body.error.details.invalid).toEqual([
    { phone: "4.41E+11", row_index: 1, reason: expect.stringMatching(/scientific.*\(line 3\)$/) },
    { phone: "12025550114", row_index: 2, reason: expect.stringMatching(/lost its \+.*line 4/) },
    { phone: "07111000001", row_index: 3, reason: expect.stringMatching(/national.*line 5/) },
  ]);
  expect(await rowsOf(id)).toHaveLength(1);
  const skipped = await csv(id, list, "?skip_invalid=true");
  expect(skipped.body).toMatchObject({
    valid_count: 1,
    invalid_count: 3,
    first_row_index: 1,
    recipients_count: 2,
  });
  const rows = await rowsOf(id);
  expect(rows.map((row) => row["state"])).toEqual([
    "waiting",
    "waiting",
    "invalid",
    "invalid",
    "invalid",
  ]);
  const { body } = await caller.ask("GET", `/v1/calls/batch/${id}`);
  expect(body).toMatchObject({ recipients_count: 2, invalid_count: 3 });
});

test("duplicates of the list and of the campaign are counted, and left out when asked", async () => {
  const id = await campaign([{ phone: "+12025550120" }]);
  const list = ["+12025550120", "+12025550121", "+12025550121"].map((phone) => ({ phone }));
  const counted = await append(id, { recipients: list });
  expect(counted.body).toMatchObject({ valid_count: 3, duplicate_count: 2, recipients_count: 4 });
  const skipped = await append(id, {
    recipients: [...list, { phone: "+12025550122" }],
    skip_duplicates: true,
  });
  expect(skipped.body).toMatchObject({
    valid_count: 1,
    duplicate_count: 3,
    first_row_index: 4,
    recipients_count: 5,
  });
  expect((await rowsOf(id)).map((row) => row["row_index"])).toEqual([0, 1, 2, 3, 7]);
});

test.each([
  ["no header", "+12025550101,Ada\n", /header, not a recipient/],
  ["no phone", "mobile,name\n1,2\n", /Line 1 names no column phone; rename mobile to phone/],
  ["a header twice", "phone,name,name\n1,2,3\n", /Line 1 names the column name twice/],
  ["an unnamed column", "phone,\n1,2\n", /Line 1 has no name for column 2/],
  ["semicolons", "phone;name\n1;2\n", /semicolons/],
  ["unequal columns", "phone,name\n+12025550101,a\n\n+12025550102\n", /Line 4 has another number/],
  ["an open quote", 'phone,name\n+12025550101,"a\n', /Line 2 opens a quote/],
  ["Latin-1", Buffer.from("phone,name\n+12025550101,Zo\xeb\n", "latin1"), /Line 2 .*not UTF-8/],
  ["UTF-16", Buffer.from("\ufeffphone\n+12025550101\n", "utf16le"), /UTF-16/],
  ["a row that never ends", `phone,a\n+12025550101,"${"x\n".repeat(50_000)}`, /longer than/],
  ["a long variable", `phone,a\n+12025550101,${"x".repeat(501)}\n`, /at most 500 \(line 2\)/],
  ["a prototype", "phone,__proto__\n+12025550101,1\n", /cannot be a variable/],
])("CSV with %s is refused by its line", async (_name, body, message) => {
  const id = await campaign();
  const answer = await csv(id, body, "?skip_invalid=true");
  expect(answer.status).toBe(400);
  expect(answer.body.error.message).toMatch(message);
  expect(await rowsOf(id)).toHaveLength(1);
});

test.each([
  [
    "half a line",
    '{"phone":"+12025550101"}\n{"phone":',
    "invalid_json",
    /Line 2 is not valid JSON/,
  ],
  ["an array", '[{"phone":"+12025550101"}]', "invalid_request", /must be an object/],
  ["an unknown field", '\n{"phone":"+12025550101","x":1}', "invalid_request", /x is not.*line 2/],
  ["a line without end", `{"phone":"${"1".repeat(300_000)}`, "invalid_request", /Line 1 is longer/],
])("NDJSON with %s is refused by its line", async (_name, body, code, message) => {
  const answer = await ndjson(await campaign(), body);
  expect(answer.status).toBe(400);
  expect(answer.body.error.code).toBe(code);
  expect(answer.body.error.message).toMatch(message);
});

test("an empty list, another type and a compressed body say what to send", async () => {
  const id = await campaign();
  for (const answer of [
    await append(id, { recipients: [] }),
    await csv(id, "phone\n"),
    await ndjson(id, "\n"),
    await caller.ask("POST", url(id)),
  ]) {
    expect([answer.status, answer.body.error.code]).toEqual([400, "missing_field"]);
  }
  const xml = await append(id, "<x/>", "", { "content-type": "application/xml" });
  expect([xml.status, xml.body.error.code]).toEqual([415, "unsupported_media_type"]);
  expect(xml.body.error.message).toContain("text/csv");
  const packed = await append(id, "x", "", { "content-encoding": "gzip" });
  expect([packed.status, packed.body.error.code]).toEqual([415, "unsupported_media_type"]);
  const nobody = await csv(id, "phone\n12\n", "?skip_invalid=true");
  expect(nobody.body.error.code).toBe("campaign_no_recipients");
});

test("a zone that does not exist makes an entry invalid", async () => {
  const answer = await csv(await campaign(), "phone,timezone\n+12025550101,Mars/Olympus\n");
  expect(answer.body.error.details.invalid[0].reason).toContain("no IANA zone");
});

test("an identical list without a key is answered once; with allow_duplicate twice", async () => {
  const id = await campaign();
  const body = "phone\n+12025550130\n";
  const first = await csv(id, body);
  const again = await csv(id, body);
  expect(again.text).toBe(first.text);
  expect(again.headers["idempotent-replayed"]).toBe("true");
  expect(await rowsOf(id)).toHaveLength(2);
  expect((await csv(id, body, "?allow_duplicate=true")).body.first_row_index).toBe(2);
  server.clock.advance(11 * 60_000);
  expect((await csv(id, body)).body.first_row_index).toBe(3);
});

test("a refusal is not remembered without a key", async () => {
  const id = await campaign();
  await caller.ask("POST", `/v1/calls/batch/${id}/cancel`);
  const body = "phone\n+12025550131\n";
  const closed = await csv(id, body);
  expect([closed.status, closed.body.error.code]).toEqual([409, "campaign_state_conflict"]);
  await db.query("update campaigns set status = 'paused', ended_at = null where id = $1", [id]);
  expect((await csv(id, body)).body).toMatchObject({ status: "paused", valid_count: 1 });
  await db.query("update campaigns set status = 'completed' where id = $1", [id]);
  const completed = await csv(id, "phone\n+12025550132\n");
  expect(completed.body.error.code).toBe("campaign_already_completed");
  expect(await rowsOf(id)).toHaveLength(2);
});

test("an Idempotency-Key replays its list and refuses another", async () => {
  const id = await campaign();
  const headers = { "idempotency-key": "list-1", "content-type": "text/csv" };
  const first = await append(id, "phone\n+12025550133\n", "", headers);
  expect((await append(id, "phone\n+12025550133\n", "", headers)).text).toBe(first.text);
  const other = await append(id, "phone\n+12025550134\n", "", headers);
  expect(other.body.error.code).toBe("idempotency_key_reused");
  expect(await rowsOf(id)).toHaveLength(2);
});

test("a large list comes in by a thread and in several shares, whole", async () => {
  const id = await campaign();
  const note = "x".repeat(400);
  const lines = Array.from(
    { length: 60_000 },
    (_, n) => `+1${200 + Math.floor(n / 100)}55501${String(n % 100).padStart(2, "0")},${note}`,
  );
  const answer = await csv(id, `phone,note\n${lines.join("\n")}`, "?skip_invalid=true");
  expect(answer.status, answer.text.slice(0, 500)).toBe(201);
  expect(answer.body.valid_count + answer.body.invalid_count).toBe(60_000);
  const { rows } = await db.query<{ n: number; highest: number }>(
    "select count(*) as n, max(row_index) as highest from recipients where campaign_id = $1",
    [id],
  );
  expect(rows[0]).toEqual({ n: 60_001, highest: 60_000 });
});

test("two lists at once are both there, each numbered apart, or one is told to come again", async () => {
  const id = await campaign();
  const lists = [1, 2].map((n) => `phone\n+1202555014${n}\n`);
  const answers = await Promise.all(lists.map((list) => csv(id, list)));
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 503) expect((await csv(id, lists[index] ?? "")).status).toBe(201);
    else expect(answer.status).toBe(201);
  }
  expect((await rowsOf(id)).map((row) => row["row_index"])).toEqual([0, 1, 2]);
});

test("a third list of one key at once is refused, and a client that goes away leaves no file", async () => {
  const id = await campaign();
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  const address = server.app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const files = async (): Promise<number> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith("carillon-list-")).length;
  const before = await files();
  const sockets = [1, 2].map(() => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    socket.write(
      `POST ${url(id)} HTTP/1.1\r\nhost: x\r\nauthorization: ${caller.authorization}\r\n` +
        "content-type: text/csv\r\ncontent-length: 1000\r\n\r\nphone\n",
    );
    return socket;
  });
  await waitFor(async () => (await files()) >= before + 2, { describe: "two lists on disk" });
  const third = await csv(id, "phone\n+12025550150\n");
  expect([third.status, third.body.error.code]).toEqual([503, "server_busy"]);
  for (const socket of sockets) socket.destroy();
  await waitFor(async () => (await files()) <= before, { describe: "their files gone" });
  expect((await csv(id, "phone\n+12025550150\n")).status).toBe(201);
});
