// The table of openings through the whole product: a server, the carrier's wire, real sockets, and
// whoever picks up saying their line. The simulator's model takes every doubt for a person, so the
// rules stand alone. `OPENINGS=all` plays every line at the pace of life and writes what came of
// each to examples/voicemail/verdicts.tsv.

import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { Call } from "../../src/http/contract/call.ts";
import { openDice } from "../../src/simulator/dice.ts";
import { readOpenings, type Opening, type OpeningKind } from "../agent/openings.ts";
import {
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startServerOn } from "../support/race-set-up.ts";
import { createTestDatabase } from "../support/test-database.ts";

const IS_WHOLE = process.env["OPENINGS"] === "all";
const SAMPLE = 64;
/** The product's own waits are not divided, so a fast simulator says little about its delays. */
const SPEED = IS_WHOLE ? 1 : 5;
const CONCURRENT_CALLS = IS_WHOLE ? 60 : SAMPLE;
const CALLS_PER_SECOND = 30;

const PERSONAS: Readonly<Record<OpeningKind, string>> = {
  human: "hang_up_early",
  screening: "hang_up_early",
  "machine-vm": "voicemail",
  // Both say their words again and again.
  "machine-ivr": "ivr",
  "machine-unavailable": "ivr",
};

interface Played {
  readonly opening: Opening;
  readonly call: Call;
}

async function play(openings: readonly Opening[]): Promise<readonly Played[]> {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  const phones = testPhones(openings.length);
  const byPhone = new Map(phones.map((phone, index) => [phone, openings[index] as Opening]));
  const perPhone = (what: (opening: Opening) => string) =>
    Object.fromEntries([...byPhone].map(([phone, opening]) => [phone, what(opening)]));
  const simulator = await startCarrier(CALLS_PER_SECOND * 2, {
    speed: SPEED,
    people: perPhone(({ kind }) => PERSONAS[kind]),
    says: perPhone(({ words }) => words),
  });
  const server = await startServerOn(simulator, db);
  const tenant = await makeTenant(server, {
    concurrentCalls: CONCURRENT_CALLS,
    callsPerSecond: CALLS_PER_SECOND,
  });
  const campaignId = await createCampaign(server, tenant, phones);
  await waitUntilCompleted(server, tenant, campaignId);
  const calls: Call[] = [];
  for (let offset = 0; offset < openings.length; offset += 200) {
    const path = `/v1/calls?campaign_id=${campaignId}&limit=200&offset=${offset}`;
    calls.push(...(await server.ask<Call[]>("GET", path, undefined, tenant.bearer)).body);
  }
  return calls.flatMap((call) => {
    const opening = byPhone.get(call.to_number);
    return opening === undefined ? [] : [{ opening, call }];
  });
}

/** Of every language a person and a machine, and as many more as the sample holds. */
function drawSample(all: readonly Opening[], seed: number): readonly Opening[] {
  const dice = openDice(seed, "openings");
  const shuffled = all
    .map((opening) => ({ opening, at: dice.fraction() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ opening }) => opening);
  const seen = new Set<string>();
  const isFirst = ({ language, kind }: Opening): boolean => {
    const name = `${language} ${isMachine(kind)}`;
    return !seen.has(name) && seen.add(name).size > 0;
  };
  const first = shuffled.filter(isFirst);
  return [...first, ...shuffled.filter((one) => !first.includes(one))].slice(0, SAMPLE);
}

const isMachine = (kind: OpeningKind) => kind.startsWith("machine");

function formatRow({ opening, call }: Played): string {
  const { method = "", delay_ms: delayMs = null } = call.answer_verdict ?? {};
  const cells = [opening.language, opening.kind, call.answered_by ?? "", method, delayMs ?? ""];
  return [...cells, opening.words].join("\t");
}

test(
  "through the whole product no person is taken for a machine, and 95 of 100 machines are known",
  { timeout: IS_WHOLE ? 900_000 : 240_000 },
  async () => {
    const seed = fc.readConfigureGlobal().seed ?? 1;
    const all = readOpenings();
    const openings = IS_WHOLE ? all : drawSample(all, seed);
    const played = await play(openings);
    const table = played.map(formatRow).toSorted();
    process.stderr.write(`${table.join("\n")}\n`);
    if (IS_WHOLE) {
      const header = ["language", "kind", "answered_by", "method", "delay_ms", "words"].join("\t");
      const place = new URL("../../examples/voicemail/verdicts.tsv", import.meta.url);
      writeFileSync(place, `${[header, ...table].join("\n")}\n`);
    }
    expect(played).toHaveLength(openings.length);
    const people = played.filter(({ opening }) => !isMachine(opening.kind));
    const wronged = people.filter(({ call }) => call.answered_by === "machine");
    expect(wronged.map(formatRow)).toEqual([]);
    const machines = played.filter(({ opening }) => isMachine(opening.kind));
    const missed = machines.filter(({ call }) => call.ended_reason !== "voicemail_detected");
    expect(missed.length / machines.length, missed.map(formatRow).join("\n")).toBeLessThanOrEqual(
      0.05,
    );
    const recognised = machines.filter(({ call }) => call.answered_by === "machine");
    expect(recognised.every(({ call }) => call.answer_verdict?.delay_ms !== null)).toBe(true);
  },
);
