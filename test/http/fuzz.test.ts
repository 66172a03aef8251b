// Every operation of the served description, asked over real HTTP by its owner, by another tenant,
// by the operator and by nobody, with sound, odd and hostile values: never a fault of the server,
// every answer as the description says, nothing read or changed across tenants.
//
// FUZZ_RUNS=N asks each operation N times instead of a few; PROPERTY_SEED=N repeats a run.

import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ERROR_STATUS } from "../../src/domain/app-error.ts";
import { testDatabase } from "../support/test-database.ts";
import { describedApi, type Operation } from "./fuzz/described-api.ts";
import { drawPlan, planned, type Plan } from "./fuzz/draw-request.ts";
import type { Pools } from "./fuzz/draw-from-schema.ts";
import { giveEverything, rowsOfTenant, type Possessions } from "./fuzz/possessions.ts";
import { soundRequest, type SoundRequest, type SoundWorld } from "./fuzz/sound-requests.ts";
import { wireClient, type WireAnswer } from "./fuzz/wire-request.ts";
import { nextPhone, OPERATOR_TOKEN, testServer } from "./test-server.ts";

// Some seconds in all. Rare mixtures are for longer runs.
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 15);
const TIMEOUT_MS = 60_000 + RUNS * 2_000;
/** Stands in every text of the tenant who must stay unread. */
const MARK = "Zq7Mark";

const db = await testDatabase();
const server = await testServer(db);
await server.app.listen({ host: "127.0.0.1", port: 0 });
const address = server.app.server.address();
const client = wireClient(typeof address === "object" && address !== null ? address.port : 0);
afterAll(async () => {
  client.close();
  await server.app.close();
});

const api = describedApi((await server.ask({ url: "/openapi.json" })).body);
const operations = api.operations.map((operation) => [operation.name, operation] as const);
const succeeded = new Set<string>();

let others: Possessions;
let othersRows: Readonly<Record<string, string>>;
let world: SoundWorld;
let pools: Pools;

beforeAll(async () => {
  server.carrier.audio = () => {
    const sound = (async function* () {
      yield await Promise.resolve(Buffer.from("RIFF"));
    })();
    return { kind: "streaming", contentType: "audio/x-wav", lengthBytes: 4, audio: sound };
  };
  const owner = await server.caller();
  others = await giveEverything(server, db, owner, MARK);
  othersRows = await rowsOfTenant(db, owner.keyId);
});

// One operation may use up what another needs.
beforeEach(async () => {
  await db.query("delete from phone_numbers where key_id <> $1", [others.key_id]);
  const asker = await newAsker();
  const ids = await giveEverything(server, db, asker, "asker");
  world = { server, db, api, asker, ids };
  pools = poolsOf(ids);
});

/** There are few phones to call from, and one of them is taken. */
async function newAsker(): Promise<SoundWorld["asker"]> {
  for (;;) {
    const asker = await server.caller({ concurrent_call_limit: 5 });
    if (asker.phone !== others.number) return asker;
  }
}

function poolsOf(ids: Possessions): Pools {
  const phone = fc.constantFrom(...Array.from({ length: 20 }, () => nextPhone()));
  const zone = fc.constantFrom("America/New_York", "Asia/Kathmandu", "UTC", "Mars/Olympus");
  const day = fc.constantFrom("2030-06-13", "2030-12-31", "2030-02-30", "1999-01-01");
  return {
    agent_id: fc.constant(ids.agent_id),
    campaign_id: fc.constant(ids.campaign_id),
    call_id: fc.constant(ids.call_id),
    from_number: fc.constant(ids.number),
    phone_number: fc.constant(ids.number),
    phone,
    phones: fc.array(phone, { maxLength: 5 }),
    to_number: phone,
    transfer_number: phone,
    timezone: zone,
    scheduled_date: day,
    window_days: fc.subarray(["mon", "tue", "sat", "sun"]),
    window_start_minutes: fc.integer({ min: -1, max: 1440 }),
    window_end_minutes: fc.integer({ min: 0, max: 1441 }),
    language: fc.constantFrom("en", "en-GB", "multi"),
    webhook_url: fc.constant("https://hooks.example.com/x"),
    url: fc.constant("https://hooks.example.com/y"),
  };
}

test("the tenant who must stay unread has a mark in every table with texts", () => {
  const silent = ["erasures", "slots", "zone_groups"];
  const unmarked = Object.entries(othersRows).filter(([, rows]) => !rows.includes(MARK));
  expect(unmarked.map(([table]) => table).toSorted()).toEqual(silent);
});

test.each(operations)(
  "%s",
  async (name, operation) => {
    const plain: Plan = {
      asker: "own",
      edits: [],
      body: undefined,
      wire: { kind: "plain", place: 0, contentType: undefined },
      idempotencyKey: null,
    };
    const sound = await ask(operation, plain);
    expect(sound.status, `${name} needs a sound request: ${sound.text}`).toBeLessThan(300);
    await fc.assert(
      fc.asyncProperty(drawPlan(api, operation, pools, others), async (plan) => {
        await ask(operation, plan);
      }),
      { numRuns: RUNS },
    );
    expect(await rowsOfTenant(db, others.key_id)).toEqual(othersRows);
  },
  TIMEOUT_MS,
);

test("every operation was reached with a success", () => {
  expect(operations.map(([name]) => name).filter((name) => !succeeded.has(name))).toEqual([]);
  expect(Object.prototype).not.toHaveProperty("polluted");
});

async function ask(operation: Operation, plan: Plan): Promise<WireAnswer> {
  const sound = await soundRequest(world, operation);
  const request = planned(operation, sound, plan, others);
  const { authorization, areOperators } = credentialsOf(operation, sound, plan);
  const answer = await client.send({
    ...request,
    headers: { ...request.headers, ...(authorization === null ? {} : { authorization }) },
  });
  judge(operation, answer);
  if (!areOperators) {
    expect(answer.text).not.toContain(MARK);
    expect(JSON.stringify(answer.headers)).not.toContain(MARK);
  }
  if (answer.status === 400) judgeNamedField(operation, plan, answer);
  if (answer.status < 300) succeeded.add(operation.name);
  return answer;
}

interface Credentials {
  /** null: none. */
  readonly authorization: string | null;
  readonly areOperators: boolean;
}

function credentialsOf(operation: Operation, sound: SoundRequest, { asker }: Plan): Credentials {
  const operators = { authorization: `Bearer ${OPERATOR_TOKEN}`, areOperators: true };
  const keys = {
    authorization: sound.authorization ?? world.asker.authorization,
    areOperators: false,
  };
  const isForKeys = !operation.access.includes("operatorToken");
  switch (asker) {
    case "own":
      return isForKeys || operation.access.includes("apiKey") ? keys : operators;
    case "others_ids":
      return keys;
    case "nobody":
      return { authorization: null, areOperators: false };
    case "broken":
      return {
        authorization: `Bearer ${others.key_id}:${world.asker.secret}`,
        areOperators: false,
      };
    case "operator":
      return operators;
  }
}

function judge(operation: Operation, answer: WireAnswer): void {
  const shown = `${operation.name}: ${answer.status} ${answer.text.slice(0, 500)}`;
  expect(answer.status, shown).toBeLessThan(500);
  expect(operation.statuses, shown).toContain(answer.status);
  expect(answer.headers, shown).toHaveProperty("x-request-id");
  const fault = api.faultOf(operation, answer.status, answer.contentType, answer.text);
  expect(fault, shown).toBeNull();
  if (answer.status >= 400) judgeError(answer, shown);
}

function judgeError(answer: WireAnswer, shown: string): void {
  const { error } = JSON.parse(answer.text);
  expect(ERROR_STATUS, shown).toHaveProperty(error.code, answer.status);
  expect(error.doc_url, shown).toBe(`https://carillon.example/docs/errors#${error.code}`);
  expect(error.message.length, shown).toBeLessThan(1_000);
}

/** Where one field alone was made wrong, the error says which. */
function judgeNamedField(operation: Operation, plan: Plan, answer: WireAnswer): void {
  const [edit, another] = plan.edits;
  const isPlain = plan.wire.kind === "plain" && plan.wire.contentType === undefined;
  if (edit === undefined || another !== undefined || !isPlain) return;
  if (plan.asker !== "own" || plan.body !== undefined || plan.idempotencyKey !== null) return;
  const { code, message, details } = JSON.parse(answer.text).error;
  const shown = `${operation.name}: ${edit.name} is wrong: ${code} ${message} ${JSON.stringify(details)}`;
  // Of a list, the wrong rows are named.
  if (edit.name.startsWith("recipients") && details.invalid?.[0]?.row_index !== undefined) return;
  expect(typeof details.field, shown).toBe("string");
  // Two fields that do not go together are both named, one of them in the message alone.
  // Half of a surrogate pair arrives as the character that says so.
  const name = edit.name.split(/[.[]/)[0]?.toWellFormed() ?? "";
  expect(`${details.field} ${message}`, shown).toContain(name);
}
