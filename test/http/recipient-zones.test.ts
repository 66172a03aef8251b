// Campaigns whose window runs in the zones of their recipients: how lists are grouped, what is
// refused because nobody knows the hour, and what is shown.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { NOON, testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

const NEW_YORK = "+12125550101";
const HONOLULU = "+18085550102";
// In two zones, an hour apart.
const FLORIDA = "+18505550105";
const LONDON = "+442079460103";

let prompts = 0;
async function create(recipients: readonly object[], more: object = {}) {
  const caller = await server.caller();
  prompts += 1;
  const answer = await caller.ask("POST", "/v1/calls/batch", {
    agent_id: caller.agentId,
    prompt: `Remind them ${prompts}.`,
    timezone: "recipient",
    window_start_minutes: 540,
    window_end_minutes: 1080,
    recipients,
    ...more,
  });
  return { caller, answer, url: `/v1/calls/batch/${answer.body.campaign_id}` };
}

async function groups(campaignId: string) {
  const { rows } = await db.query<{ zones: string[]; opens_at: number; closes_at: number }>(
    "select zones, opens_at, closes_at from zone_groups where campaign_id = $1 order by number",
    [campaignId],
  );
  return rows.map((row) => [
    row.zones.join(" "),
    new Date(row.opens_at).toISOString(),
    new Date(row.closes_at).toISOString(),
  ]);
}

test("recipients are grouped by where they are, each with its own opening", async () => {
  // NOON is 11:00 UTC: 7:00 in New York, 1:00 in Honolulu, 12:00 in London.
  expect(NOON).toBe(Date.parse("2030-06-12T11:00:00Z"));
  const { caller, answer, url } = await create([
    { phone: NEW_YORK },
    { phone: HONOLULU },
    { phone: NEW_YORK },
    { phone: NEW_YORK, timezone: "Europe/London" },
  ]);
  expect(answer.status, answer.text).toBe(201);
  expect(answer.body).toMatchObject({ status: "running", timezone: "recipient", valid_count: 4 });
  expect(await groups(answer.body.campaign_id)).toEqual([
    ["America/New_York", "2030-06-12T13:00:00.000Z", "2030-06-12T22:00:00.000Z"],
    ["Pacific/Honolulu", "2030-06-12T19:00:00.000Z", "2030-06-13T04:00:00.000Z"],
    ["Europe/London", "2030-06-12T08:00:00.000Z", "2030-06-12T17:00:00.000Z"],
  ]);
  const { body } = await caller.ask("GET", `${url}/recipients`);
  expect(
    body.recipients.map((row: any) => [row.time_zones, row.not_dialed_because.rule, row.until]),
  ).toEqual([
    [["America/New_York"], "outside_window", "2030-06-12T13:00:00.000Z"],
    [["Pacific/Honolulu"], "outside_window", "2030-06-12T19:00:00.000Z"],
    [["America/New_York"], "outside_window", "2030-06-12T13:00:00.000Z"],
    [["Europe/London"], "no_voice_session", null],
  ]);
  const shown = await caller.ask("GET", url);
  expect(shown.body).toMatchObject({
    timezone: "recipient",
    next_dial_at: "2030-06-12T11:00:00.000Z",
  });
});

test("a day counts in each zone, and the first of their openings makes the campaign due", async () => {
  const { caller, url, answer } = await create([{ phone: NEW_YORK }, { phone: LONDON }], {
    schedule_type: "schedule",
    scheduled_date: "2030-07-01",
  });
  expect(answer.body.status, answer.text).toBe("scheduled");
  const shown = await caller.ask("GET", url);
  expect(shown.body.next_dial_at).toBe("2030-07-01T08:00:00.000Z");
});

test("nobody is called whose hour nobody knows", async () => {
  const list = [
    { phone: NEW_YORK },
    { phone: NEW_YORK, timezone: "Mars/Olympus" },
    // A toll-free number has no place.
    { phone: "+18005550104" },
  ];
  // Only one hour of the day: no instant is inside in all of North America.
  const narrow = { window_start_minutes: 540, window_end_minutes: 600 };
  const { answer } = await create(list, narrow);
  expect(answer.status).toBe(400);
  expect(answer.body.error.code).toBe("invalid_phone_format");
  const reasons = answer.body.error.details.invalid.map((entry: any) => [
    entry.row_index,
    entry.reason,
  ]);
  expect(reasons).toEqual([
    [1, expect.stringContaining("no IANA zone")],
    [
      2,
      expect.stringContaining("never open in all of them at once; give the recipient a timezone"),
    ],
  ]);
  const skipped = await create(list, { ...narrow, skip_invalid: true });
  expect(skipped.answer.body).toMatchObject({ valid_count: 1, invalid_count: 2 });
});

test("without a window there is nothing that could run in their zones", async () => {
  const { answer } = await create([{ phone: NEW_YORK }], {
    window_start_minutes: null,
    window_end_minutes: null,
  });
  expect(answer.status).toBe(400);
  expect(answer.body.error).toMatchObject({
    code: "campaign_creation_failed",
    details: { field: "window_start_minutes" },
  });
});

test("an appended list joins the groups that are there, and adds its own", async () => {
  const { caller, url, answer } = await create([{ phone: NEW_YORK }]);
  const appended = await caller.ask("POST", `${url}/recipients`, {
    recipients: [{ phone: NEW_YORK }, { phone: LONDON }],
  });
  expect(appended.status, appended.text).toBe(201);
  const { rows } = await db.query<{ zone_group: number }>(
    "select zone_group from recipients where campaign_id = $1 order by row_index",
    [answer.body.campaign_id],
  );
  expect(rows.map((row) => row.zone_group)).toEqual([1, 1, 2]);
});

test("an edit moves the window of every zone, and is refused where it would never open", async () => {
  const { caller, url, answer } = await create([{ phone: NEW_YORK }, { phone: FLORIDA }]);
  const { body: edited } = await caller.ask("PATCH", url, { window_start_minutes: 600 });
  expect(edited.window_start_minutes).toBe(600);
  expect((await groups(answer.body.campaign_id))[0]).toEqual([
    "America/New_York",
    "2030-06-12T14:00:00.000Z",
    "2030-06-12T22:00:00.000Z",
  ]);
  const refused = await caller.ask("PATCH", url, { window_end_minutes: 630 });
  expect(refused.status).toBe(400);
  expect(refused.body.error.details.field).toBe("window_start_minutes");
  const mode = await caller.ask("PATCH", url, { timezone: "Europe/London" });
  expect(mode.body.error.details.field).toBe("timezone");
});
