// Every way in which a batch can be wrong: which error, about which field, and nothing created.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const caller = await server.caller();
afterAll(() => server.app.close());

const three = [
  { phone: "+12025550101" },
  { phone: "+12025550102", variables: { patient_name: "John", visits: 3, is_new: false } },
  { phone: "+12025550103", prompt_override: "Say it\tdifferently\n\\now" },
];

let bodies = 0;
/** A valid body, different from every other one. */
function batch(more: object = {}): Record<string, unknown> {
  bodies += 1;
  return {
    agent_id: caller.agentId,
    prompt: `Remind them (${bodies}).`,
    recipients: three,
    ...more,
  };
}

async function campaignCount(): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    "select (select count(*) from campaigns) + (select count(*) from recipients) as n",
  );
  return rows[0]?.n ?? -1;
}

const long = (length: number) => "x".repeat(length);
const manyVariables = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`name${index}`, "v"]));
const one = (recipient: object) => ({ recipients: [{ phone: "+12025550101", ...recipient }] });

test.each<[string, object | string, string, string | null]>([
  ["no agent_id", { agent_id: undefined }, "missing_field", "agent_id"],
  ["a null agent_id", { agent_id: null }, "missing_field", "agent_id"],
  ["an agent_id of type number", { agent_id: 7 }, "invalid_request", "agent_id"],
  ["no prompt", { prompt: undefined }, "missing_field", "prompt"],
  ["a blank prompt", { prompt: " \n " }, "missing_field", "prompt"],
  ["a prompt of 10,001 characters", { prompt: long(10_001) }, "prompt_too_long", "prompt"],
  ["a prompt object", { prompt: {} }, "invalid_request", "prompt"],
  ["no recipients", { recipients: undefined }, "missing_field", "recipients"],
  ["empty recipients", { recipients: [] }, "missing_field", "recipients"],
  ["recipients of another type", { recipients: "all" }, "invalid_request", "recipients"],
  [
    "a recipient that is a string",
    { recipients: ["+12025550101"] },
    "invalid_request",
    "recipients[0]",
  ],
  ["a null recipient", { recipients: [null] }, "invalid_request", "recipients[0]"],
  [
    "an older recipient field",
    { recipients: [{ phone_number: "+12025550101" }] },
    "invalid_request",
    "recipients[0].phone_number",
  ],
  [
    "a recipient's zone by another name",
    one({ zone: "Europe/London" }),
    "invalid_request",
    "recipients[0].zone",
  ],
  ["variables as a list", one({ variables: ["x"] }), "invalid_request", "recipients[0].variables"],
  [
    "a nested variable",
    one({ variables: { a: { b: 1 } } }),
    "invalid_request",
    "recipients[0].variables.a",
  ],
  [
    "a null variable",
    one({ variables: { a: null } }),
    "invalid_request",
    "recipients[0].variables.a",
  ],
  [
    "51 variables",
    one({ variables: manyVariables(51) }),
    "invalid_request",
    "recipients[0].variables",
  ],
  [
    "a variable of 501 characters",
    one({ variables: { a: long(501) } }),
    "invalid_request",
    "recipients[0].variables.a",
  ],
  ["a variable's name of 65", one({ variables: { [long(65)]: 1 } }), "invalid_request", null],
  [
    "variables of 4 KB",
    one({
      variables: Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [`n${index}`, long(500)]),
      ),
    }),
    "invalid_request",
    "recipients[0].variables",
  ],
  [
    "a NUL in a variable",
    one({ variables: { a: "x\u0000" } }),
    "invalid_request",
    "recipients[0].variables.a",
  ],
  [
    "an override of 10,001",
    one({ prompt_override: long(10_001) }),
    "prompt_too_long",
    "recipients[0].prompt_override",
  ],
  [
    "an override of type number",
    one({ prompt_override: 5 }),
    "invalid_request",
    "recipients[0].prompt_override",
  ],
  ["a name of 10,001", { name: long(10_001) }, "invalid_request", "name"],
  ["a name with a NUL", { name: "a\u0000" }, "invalid_request", "name"],
  ["skip_invalid as text", { skip_invalid: "true" }, "invalid_request", "skip_invalid"],
  ["an unknown schedule_type", { schedule_type: "later" }, "invalid_request", "schedule_type"],
  ["a misspelt field", { shedule_type: "schedule" }, "invalid_request", "shedule_type"],
  ["a prototype", '{"__proto__": {"x": 1}}', "missing_field", "agent_id"],
  ["schedule without a date", { schedule_type: "schedule" }, "missing_field", "scheduled_date"],
  ["a date without schedule", { scheduled_date: "2030-07-01" }, "invalid_request", "schedule_type"],
  [
    "a date that does not exist",
    { schedule_type: "schedule", scheduled_date: "2030-02-30" },
    "campaign_creation_failed",
    "scheduled_date",
  ],
  [
    "a date in another form",
    { schedule_type: "schedule", scheduled_date: "15/06/2030" },
    "campaign_creation_failed",
    "scheduled_date",
  ],
  [
    "yesterday",
    { schedule_type: "schedule", scheduled_date: "2030-06-11" },
    "campaign_creation_failed",
    "scheduled_date",
  ],
  [
    "the year 9999",
    { schedule_type: "schedule", scheduled_date: "9999-12-31" },
    "campaign_creation_failed",
    "scheduled_date",
  ],
  ["a bad zone", { timezone: "London" }, "campaign_creation_failed", "timezone"],
  ["a zone of 10,001", { timezone: long(10_001) }, "invalid_request", "timezone"],
  ["only a start", { window_start_minutes: 540 }, "campaign_creation_failed", "window_end_minutes"],
  ["only an end", { window_end_minutes: 540 }, "campaign_creation_failed", "window_start_minutes"],
  [
    "start and end equal",
    { window_start_minutes: 540, window_end_minutes: 540 },
    "campaign_creation_failed",
    "window_end_minutes",
  ],
  [
    "a start of 1440",
    { window_start_minutes: 1440, window_end_minutes: 60 },
    "campaign_creation_failed",
    "window_start_minutes",
  ],
  [
    "an end of 1441",
    { window_start_minutes: 0, window_end_minutes: 1441 },
    "campaign_creation_failed",
    "window_end_minutes",
  ],
  [
    "half a minute",
    { window_start_minutes: 0.5, window_end_minutes: 60 },
    "campaign_creation_failed",
    "window_start_minutes",
  ],
  [
    "minutes as text",
    { window_start_minutes: "540", window_end_minutes: 600 },
    "invalid_request",
    "window_start_minutes",
  ],
  ["no weekdays", { window_days: [] }, "campaign_creation_failed", "window_days"],
  ["an unknown weekday", { window_days: ["monday"] }, "campaign_creation_failed", "window_days"],
  [
    "eight weekdays",
    { window_days: ["mon", "mon", "mon", "mon", "mon", "mon", "mon", "mon"] },
    "invalid_request",
    "window_days",
  ],
  ["weekdays as text", { window_days: "mon" }, "invalid_request", "window_days"],
])("refuses %s and creates nothing", async (_name, change, code, field) => {
  const before = await campaignCount();
  const body = typeof change === "string" ? change : batch(change);
  const answer = await caller.ask("POST", "/v1/calls/batch", body);
  expect(answer.status).toBe(400);
  expect(answer.body.error).toMatchObject({ type: "invalid_request", code });
  if (field !== null) expect(answer.body.error.details.field).toBe(field);
  expect(await campaignCount()).toBe(before);
});

test("a misspelt field's refusal says what was meant", async () => {
  const answer = await caller.ask("POST", "/v1/calls/batch", batch({ shedule_type: "schedule" }));
  expect(answer.body.error.message).toContain("Did you mean schedule_type?");
});

test("a bad zone is invalid_timezone in the message and in the details", async () => {
  const answer = await caller.ask("POST", "/v1/calls/batch", batch({ timezone: "Mars/Olympus" }));
  expect(answer.body.error.message).toContain("invalid_timezone");
  expect(answer.body.error.details.reason).toBe("invalid_timezone");
});

test.each([
  ["nothing", ""],
  ["a list", "[]"],
  ["a string", '"x"'],
  ["a number", "1e400"],
  ["broken JSON", '{"agent_id": '],
  ["two values", "{}{}"],
  [
    "a lone surrogate",
    '{"agent_id":"a","prompt":"\\ud800","recipients":[{"phone":"+12025550101"}]}',
  ],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ["a million brackets", "[".repeat(1_000_000)],
  ["deep metadata", `{"metadata":${"[".repeat(50_000)}${"]".repeat(50_000)}}`],
])("refuses a body of %s", async (_name, body) => {
  const answer = await caller.ask("POST", "/v1/calls/batch", body);
  expect(answer.status).toBe(400);
  expect(["invalid_json", "invalid_request", "missing_field"]).toContain(answer.body.error.code);
});

test("refuses a body that is not JSON by its type, and one that is too large", async () => {
  const form = await caller.ask("POST", "/v1/calls/batch", "a=1", {
    "content-type": "application/x-www-form-urlencoded",
  });
  expect([form.status, form.body.error.code]).toEqual([415, "unsupported_media_type"]);
  const small = await testServer(db, { maxBodyBytes: 1000 });
  const tenant = await small.caller();
  const large = await tenant.ask("POST", "/v1/calls/batch", batch({ prompt: long(2_000) }));
  expect([large.status, large.body.error.code]).toEqual([413, "body_too_large"]);
  await small.app.close();
});
