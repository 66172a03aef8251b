// Looking at a batch before it exists: what it answers, what it warns of, and that it leaves
// nothing behind.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { nextPhone, testServer, type Answer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

type Caller = Awaited<ReturnType<typeof server.caller>>;

const URL = "/v1/calls/batch/preview";
const NINE_TO_SIX = {
  timezone: "Europe/London",
  window_start_minutes: 540,
  window_end_minutes: 1080,
};

function batchOf(caller: Caller, phones: readonly string[], more: object = {}) {
  const recipients = phones.map((phone) => ({ phone }));
  return { agent_id: caller.agentId, prompt: "Remind them.", recipients, ...more };
}

const phonesOf = (count: number): string[] => Array.from({ length: count }, () => nextPhone());

const codes = ({ body }: Answer): string[] =>
  body.warnings.map((warning: { code: string }) => warning.code);

async function everything(): Promise<string> {
  const { rows } = await db.query(
    `select (select count(*) from campaigns) as c, (select count(*) from recipients) as r,
       (select count(*) from calls) as k, (select count(*) from idempotency_keys) as i`,
  );
  return JSON.stringify(rows);
}

test("answers counts, openings, start and end, and creates nothing", async () => {
  const caller = await server.caller();
  const before = await everything();
  const wakes = server.wakes;
  const body = batchOf(caller, phonesOf(100), { ...NINE_TO_SIX, window_days: ["wed", "thu"] });
  const query = "?openings=2&talk_seconds=50&answer_rate=1";
  const answer = await caller.ask("POST", URL + query, body, { "idempotency-key": "one" });
  expect(answer.status, answer.text).toBe(200);
  // The key's limit of calls at once is above what the pace reaches: 1.1 seconds apart.
  expect(answer.body).toEqual({
    valid_count: 100,
    invalid_count: 0,
    duplicate_count: 0,
    suppressed_count: 0,
    invalid: [],
    timezone: "Europe/London",
    openings: [
      {
        opens_at: "2030-06-12T08:00:00.000Z",
        closes_at: "2030-06-12T17:00:00.000Z",
        local_opens_at: "2030-06-12T09:00:00+01:00",
        local_closes_at: "2030-06-12T18:00:00+01:00",
      },
      {
        opens_at: "2030-06-13T08:00:00.000Z",
        closes_at: "2030-06-13T17:00:00.000Z",
        local_opens_at: "2030-06-13T09:00:00+01:00",
        local_closes_at: "2030-06-13T18:00:00+01:00",
      },
    ],
    starts_at: "2030-06-12T11:00:00.000Z",
    finishes_at: expect.stringMatching(/^2030-06-12T11:\d\d:\d\d\.\d{3}Z$/),
    warnings: [],
    assumptions: {
      talk_seconds: 50,
      talk_seconds_from: "request",
      answer_rate: 1,
      answer_rate_from: "request",
    },
  });
  // Nothing is replayed: not by its key, not by its body.
  expect((await caller.ask("POST", URL, body, { "idempotency-key": "one" })).status).toBe(200);
  expect(await everything()).toBe(before);
  expect(server.wakes).toBe(wakes);
  const made = await caller.ask("POST", "/v1/calls/batch", body);
  expect([made.status, made.headers["idempotent-replayed"]]).toEqual([201, undefined]);
});

test("without a window there is one opening that never closes", async () => {
  const caller = await server.caller();
  const now = await caller.ask("POST", URL, batchOf(caller, phonesOf(1)));
  expect(now.body.openings).toEqual([
    {
      opens_at: "2030-06-12T11:00:00.000Z",
      closes_at: null,
      local_opens_at: "2030-06-12T12:00:00+01:00",
      local_closes_at: null,
    },
  ]);
  // One recipient: 0.35 × 70 s + 0.65 × 30 s.
  expect(now.body.finishes_at).toBe("2030-06-12T11:00:44.000Z");
  const later = { schedule_type: "schedule", scheduled_date: "2030-07-01", timezone: "Asia/Tokyo" };
  const scheduled = await caller.ask("POST", URL, batchOf(caller, phonesOf(1), later));
  expect(scheduled.body).toMatchObject({
    timezone: "Asia/Tokyo",
    starts_at: "2030-06-30T15:00:00.000Z",
    openings: [{ local_opens_at: "2030-07-01T00:00:00+09:00" }],
  });
  const week = { window_days: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };
  const always = await caller.ask("POST", URL, batchOf(caller, phonesOf(1), week));
  expect(always.body.openings).toMatchObject([{ closes_at: null, local_closes_at: null }]);
  const weekend = { window_days: ["sat", "sun"] };
  const merged = await caller.ask("POST", URL, batchOf(caller, phonesOf(1), weekend));
  expect(merged.body.openings).toHaveLength(7);
  expect(merged.body.openings[0]).toMatchObject({
    local_opens_at: "2030-06-15T00:00:00+01:00",
    local_closes_at: "2030-06-17T00:00:00+01:00",
  });
});

test("plans from another moment: its day, its openings, its end", async () => {
  const caller = await server.caller();
  const body = batchOf(caller, phonesOf(1), {
    ...NINE_TO_SIX,
    schedule_type: "schedule",
    scheduled_date: "2030-06-12",
  });
  const from = encodeURIComponent("2030-06-12T19:00:00+01:00");
  const late = await caller.ask("POST", `${URL}?from=${from}`, body);
  expect(late.body.starts_at).toBe("2030-06-13T08:00:00.000Z");
  const tooLate = await caller.ask("POST", `${URL}?from=2030-06-13T08:00:00Z`, body);
  expect(tooLate.body.error).toMatchObject({
    code: "campaign_creation_failed",
    details: { reason: "invalid_schedule" },
  });
});

test("invalid phones are counted and listed, and refuse nothing", async () => {
  const caller = await server.caller();
  const [one, two] = phonesOf(2) as [string, string];
  const body = batchOf(caller, [one, "12", one, two, "+12025550"]);
  const answer = await caller.ask("POST", URL, body);
  expect(answer.body).toMatchObject({
    valid_count: 3,
    invalid_count: 2,
    duplicate_count: 1,
    invalid: [
      { phone: "12", row_index: 1 },
      { phone: "+12025550", row_index: 4 },
    ],
  });
  expect(codes(answer)).toEqual(["invalid_phones", "duplicates"]);
  const skipping = { ...body, skip_invalid: true, skip_duplicates: true };
  const skipped = await caller.ask("POST", URL, skipping);
  expect([skipped.body.valid_count, codes(skipped)]).toEqual([2, []]);
  const none = await caller.ask("POST", URL, batchOf(caller, ["12"]));
  expect(none.body).toMatchObject({ valid_count: 0, starts_at: null, finishes_at: null });
  expect(codes(none)).toEqual(["invalid_phones", "nobody_to_call"]);
});

test("in the recipients' own zones the openings are those of all of them together", async () => {
  const caller = await server.caller();
  const window = { ...NINE_TO_SIX, window_days: ["thu"], timezone: "recipient" };
  const recipients = [
    { phone: "+442079460101", timezone: "Europe/London" },
    { phone: "+12125550101", timezone: "America/New_York" },
    { phone: "+12125550102", timezone: "America/New_York" },
    { phone: "+813570101010", timezone: "Asia/Tokyo" },
  ];
  const body = { ...batchOf(caller, [], window), recipients, skip_invalid: true };
  const answer = await caller.ask("POST", `${URL}?openings=2`, body);
  expect(answer.status, answer.text).toBe(200);
  expect(answer.body.timezone).toBe("recipient");
  // From nine in Tokyo to six in New York: London opens before Tokyo closes.
  const asia = answer.body.invalid_count === 0;
  expect(answer.body.openings[0]).toEqual({
    opens_at: asia ? "2030-06-13T00:00:00.000Z" : "2030-06-13T08:00:00.000Z",
    closes_at: "2030-06-13T22:00:00.000Z",
    local_opens_at: asia ? "2030-06-13T01:00:00+01:00" : "2030-06-13T09:00:00+01:00",
    local_closes_at: "2030-06-13T23:00:00+01:00",
  });
  expect(answer.body.openings).toHaveLength(2);
});

test("counts who is suppressed for the key or for all, and nobody else's", async () => {
  const caller = await server.caller();
  const other = await server.tenant();
  const [mine, everyones, others, free] = phonesOf(4) as [string, string, string, string];
  await db.query(
    `insert into suppressions (id, key_id, phone, source, created_at) values
       ('s1', $1, $3, 'api', '2030-01-01'), ('s2', null, $4, 'operator', '2030-01-01'),
       ('s3', $2, $5, 'api', '2030-01-01')`,
    [caller.keyId, other.keyId, mine, everyones, others],
  );
  const body = batchOf(caller, [mine, everyones, others, free, mine]);
  const answer = await caller.ask("POST", URL, body);
  expect(answer.body).toMatchObject({ valid_count: 5, suppressed_count: 3 });
  expect(codes(answer)).toEqual(["duplicates", "suppressed"]);
  const all = await caller.ask("POST", URL, batchOf(caller, [mine]));
  expect(codes(all)).toEqual(["suppressed", "nobody_to_call"]);
});

test("a missing model and stopped dialing are warnings", async () => {
  const caller = await server.caller();
  const body = batchOf(caller, phonesOf(1));
  server.model = { kind: "missing", instruction: "Set CARILLON_MODEL." };
  await server.operator("POST", "/v1/operator/stop", { reason: "wrong list" });
  const answer = await caller.ask("POST", URL, body);
  server.model = { kind: "ready", name: "test" };
  await server.operator("POST", "/v1/operator/resume");
  expect(answer.status).toBe(200);
  expect(answer.body.warnings).toEqual([
    { code: "no_model", message: "Set CARILLON_MODEL." },
    { code: "dialing_stopped", message: "The operator stopped all dialing: wrong list" },
  ]);
});

test("warns of a clock change in an opening and of an opening minute that does not exist", async () => {
  const caller = await server.caller();
  const ask = async (window: object, from: string) =>
    codes(
      await caller.ask(
        "POST",
        `${URL}?openings=3&from=${from}`,
        batchOf(caller, phonesOf(1), window),
      ),
    );
  const zone = { timezone: "Europe/London" };
  const night = { ...zone, window_start_minutes: 1320, window_end_minutes: 360 };
  expect(await ask(night, "2030-10-25T12:00:00Z")).toEqual(["clock_change"]);
  expect(await ask(night, "2030-10-27T12:00:00Z")).toEqual([]);
  // 01:30 does not exist on 31 March.
  const early = { ...zone, window_start_minutes: 90, window_end_minutes: 300 };
  expect(await ask(early, "2030-03-30T12:00:00Z")).toEqual(["clock_change"]);
  expect(await ask({ ...zone, ...NINE_TO_SIX }, "2030-03-30T12:00:00Z")).toEqual([]);
});

test("warns when the pace is too low, the time too short, or no end in sight", async () => {
  const caller = await server.caller({ concurrent_call_limit: 100 });
  const phones = Array.from({ length: 700 }, () => "+12025550101");
  const hour = { timezone: "Europe/London", window_start_minutes: 720, window_end_minutes: 725 };
  const ask = (more: object, query = "") =>
    caller.ask("POST", URL + query, batchOf(caller, phones, { ...hour, ...more }));
  const without = (answer: Answer) => codes(answer).filter((code) => code !== "duplicates");

  const slow = await ask({}, "?talk_seconds=20&answer_rate=1");
  expect(without(slow)).toEqual(["slow_pace"]);
  // 273 calls in five minutes at 1.1 seconds: the last of 700 on the third day.
  expect(slow.body.finishes_at).toMatch(/^2030-06-14T11:0/);
  const short = await ask(
    { expires_at: "2030-06-13T00:00:00+01:00" },
    "?talk_seconds=200&answer_rate=1",
  );
  expect(without(short)).toEqual(["too_short"]);
  expect(short.body.warnings.at(-1).message).toMatch(/^About \d+ of 700 recipients/);
  const fitting = await ask(
    { expires_at: "2030-07-13T00:00:00Z" },
    "?talk_seconds=200&answer_rate=1",
  );
  expect(without(fitting)).toEqual([]);
  await server.operator("PATCH", `/v1/keys/${caller.keyId}`, { max_calls_per_day: 1 });
  const never = await ask({});
  expect(without(never)).toEqual(["never_finishes"]);
  expect(never.body.starts_at).toBe("2030-06-12T11:00:00.000Z");
  await server.operator("PATCH", `/v1/keys/${caller.keyId}`, { max_calls_per_day: 0 });
  expect((await ask({})).body).toMatchObject({ starts_at: null, finishes_at: null });
});

test("takes the key's own calls as its assumption once there are enough", async () => {
  const caller = await server.caller();
  const made = await caller.ask("POST", "/v1/calls/batch", batchOf(caller, phonesOf(50)));
  const id = made.body.campaign_id;
  const insert = `insert into calls (id, key_id, campaign_id, recipient_id, agent_id, phone_number_id,
      account_id, from_number, to_number, attempt, status, open, sent_at, answered_at, ended_at, duration_seconds, created_at)
    select 'call_' || $1 || r.row_index, r.key_id, $1, r.id, $2, n.id, n.account_id, n.phone, r.phone, 1,
      case when r.row_index % 5 = 0 then 'completed' else 'no_answer' end, false, $5,
      case when r.row_index % 5 = 0 then $5::timestamptz end, $5, case when r.row_index % 5 = 0 then 42 end, $5
    from recipients r, phone_numbers n where r.campaign_id = $1 and n.phone = $3 and r.row_index < $4`;
  const preview = async () =>
    (await caller.ask("POST", URL, batchOf(caller, phonesOf(1)))).body.assumptions;
  await db.query(insert, [id, caller.agentId, caller.phone, 49, "2030-06-01T10:00:00Z"]);
  expect(await preview()).toMatchObject({ talk_seconds_from: "default", answer_rate: 0.35 });
  await db.query("delete from calls where campaign_id = $1", [id]);
  await db.query(insert, [id, caller.agentId, caller.phone, 50, "2030-06-01T10:00:00Z"]);
  expect(await preview()).toEqual({
    talk_seconds: 42,
    talk_seconds_from: "history",
    answer_rate: 0.2,
    answer_rate_from: "history",
  });
  await db.query("update calls set sent_at = '2030-05-01' where campaign_id = $1", [id]);
  expect(await preview()).toMatchObject({ talk_seconds_from: "default" });
});

test.each<[string, string, object, string]>([
  ["no recipients", "", { recipients: [] }, "missing_field"],
  ["an unknown field", "", { windows: 1 }, "invalid_request"],
  ["an unknown zone", "", { timezone: "Mars/Base" }, "campaign_creation_failed"],
  ["a foreign number", "", { from_number: "+12025550199" }, "campaign_creation_failed"],
  ["an unknown agent", "", { agent_id: "agent_0" }, "agent_not_found"],
  ["an end in the past", "", { expires_at: "2030-06-12T11:00:00Z" }, "invalid_request"],
  ["an end without offset", "", { expires_at: "2030-06-13T11:00" }, "invalid_request"],
  ["a bad from", "?from=tomorrow", {}, "invalid_request"],
  ["a from that does not exist", "?from=2030-02-30T00:00:00Z", {}, "invalid_request"],
  ["a from too far ahead", "?from=2050-01-01T00:00:00Z", {}, "invalid_request"],
  ["no openings", "?openings=0", {}, "invalid_request"],
  ["too many openings", "?openings=101", {}, "invalid_request"],
  ["a rate above one", "?answer_rate=1.1", {}, "invalid_request"],
  ["talks without end", "?talk_seconds=1e9", {}, "invalid_request"],
])("%s is refused as a create would", async (_name, query, changes, code) => {
  const caller = await server.caller();
  const body = { ...batchOf(caller, phonesOf(1)), ...changes };
  const answer = await caller.ask("POST", URL + query, body);
  expect([answer.body.error?.code, answer.status < 500], answer.text).toEqual([code, true]);
});

test("a large list is parsed off the main thread, with the same answer", async () => {
  const caller = await server.caller();
  const phones = Array.from(
    { length: 20_000 },
    (_, index) => `+1202555${String(index % 10_000).padStart(4, "0")}`,
  );
  const answer = await caller.ask("POST", URL, batchOf(caller, phones));
  expect(answer.status, answer.text).toBe(200);
  expect(answer.body.valid_count + answer.body.invalid_count).toBe(20_000);
  expect(answer.body.duplicate_count).toBeGreaterThan(0);
});
