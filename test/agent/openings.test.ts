// The whole table of openings through a conversation: what is heard arrives as a recogniser sends
// it. The model knows nothing here, so that the rules stand alone; ties are people.

import { expect, test } from "vitest";
import { readOpenings, type Opening, type OpeningKind } from "./openings.ts";
import { Talk } from "./talk.ts";

const OPENINGS = readOpenings();
/** A quick speaker, four partials a second, and the end of an utterance half a second late. */
const CHARACTERS_PER_SECOND = 15;
const UNSPACED_CHARACTERS_PER_SECOND = 6;
const PARTIAL_MS = 250;
const ENDPOINT_MS = 500;
const PICK_UP_MS = 600;

interface Result {
  readonly opening: Opening;
  readonly answeredBy: string;
  readonly delayMs: number | null;
  readonly firstWordMs: number | null;
}

function answerWith(opening: Opening): Result {
  const talk = new Talk({ greetingMode: "after_hello" }).connect();
  const startedAt = talk.now;
  talk.pass(PICK_UP_MS);
  const isUnspaced = opening.language === "ja" || opening.language === "zh";
  const rate = isUnspaced ? UNSPACED_CHARACTERS_PER_SECOND : CHARACTERS_PER_SECOND;
  const step = Math.ceil((rate * PARTIAL_MS) / 1000);
  for (let end = step; end < opening.words.length; end += step) {
    talk.happen({ kind: "partial", text: opening.words.slice(0, end) });
    talk.pass(PARTIAL_MS);
  }
  talk.pass(ENDPOINT_MS);
  talk.say(opening.words);
  talk.pass(300);
  talk.happen({ kind: "checkAnswered", input: { answered_by: "uncertain" } });
  const { verdict } = talk.state.watch;
  const word = talk.state.memory.find((line) => line.role === "agent");
  return {
    opening,
    answeredBy: verdict?.answeredBy ?? "unknown",
    delayMs: verdict?.delayMs ?? null,
    firstWordMs: word === undefined ? null : word.at - startedAt,
  };
}

const isMachine = (kind: OpeningKind) => kind.startsWith("machine");
const results = OPENINGS.map(answerWith);

test("the table holds at least 200 openings in at least eight languages, of people and machines", () => {
  expect(OPENINGS.length).toBeGreaterThanOrEqual(200);
  expect(new Set(OPENINGS.map((one) => one.language)).size).toBeGreaterThanOrEqual(8);
  expect(new Set(OPENINGS.map((one) => `${one.language} ${one.words}`)).size).toBe(OPENINGS.length);
});

test("no person is taken for a machine, and the agent speaks to every one of them", () => {
  const people = results.filter(({ opening }) => opening.kind === "human");
  const wronged = people.filter(({ answeredBy }) => answeredBy === "machine");
  expect(wronged.map(({ opening }) => opening.words)).toEqual([]);
  expect(people.filter(({ firstWordMs }) => firstWordMs === null)).toEqual([]);
});

test("at least 95 of 100 machines are recognised by rules alone, in silence", () => {
  const machines = results.filter(({ opening }) => isMachine(opening.kind));
  const missed = machines.filter(({ answeredBy }) => answeredBy !== "machine");
  expect(missed.length / machines.length).toBeLessThanOrEqual(0.05);
  const recognised = machines.filter(({ answeredBy }) => answeredBy === "machine");
  expect(recognised.filter(({ firstWordMs }) => firstWordMs !== null)).toEqual([]);
});

test("a machine that asks who calls hears the opening, and is no verdict", () => {
  const screened = results.filter(({ opening }) => opening.kind === "screening");
  expect(screened.every(({ firstWordMs }) => firstWordMs !== null)).toBe(true);
  expect(screened.some(({ answeredBy }) => answeredBy === "machine")).toBe(false);
});

test("the time to a verdict is told per class", () => {
  const rows = ["human", "machine-vm", "machine-unavailable", "machine-ivr"].map((kind) => {
    const ofKind = results.filter(({ opening }) => opening.kind === kind);
    const delays = ofKind.flatMap(({ delayMs }) => delayMs ?? []).toSorted((a, b) => a - b);
    const at = (share: number) => delays[Math.floor((delays.length - 1) * share)] ?? null;
    const machines = ofKind.filter(({ answeredBy }) => answeredBy === "machine").length;
    return { kind, count: ofKind.length, machines, p50: at(0.5), p95: at(0.95), max: at(1) };
  });
  process.stderr.write(`${rows.map((row) => JSON.stringify(row)).join("\n")}\n`);
  expect(rows.every((row) => row.p50 !== null)).toBe(true);
});
