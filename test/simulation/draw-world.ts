// From a seed to a world. Pure. Every concern has dice of its own, so that drawing more for one
// leaves the others as they are. Half of all instants are pulled to edges: openings, closings,
// clock changes.

import { openDice, type Dice } from "../../src/simulator/dice.ts";
import { PERSONAS, type Persona, type PersonaRates } from "../../src/simulator/people/persona.ts";
import { drawActs } from "./draw-acts.ts";
import { drawCampaigns } from "./draw-campaigns.ts";
import { drawFaultMix } from "./fault-mix.ts";
import {
  phoneOf,
  type AccountPlan,
  type KeyPlan,
  type NumberPlan,
  type PhoneCaps,
  type WorldPlan,
} from "./world-plan.ts";
import { drawStart } from "./world-start.ts";

export function drawWorld(seed: number): WorldPlan {
  const dice = openDice(seed, "world");
  const start = drawStart(openDice(seed, "start"));
  const webhookDice = openDice(seed, "webhooks");
  const keys = drawKeys(dice).map((key) => ({ ...key, hasWebhook: webhookDice.chance(0.3) }));
  const accounts = drawAccounts(dice);
  const numbers = keys.flatMap((key, index) =>
    accounts
      .filter((_, account) => account === index || dice.chance(0.4))
      .concat(accounts[index] === undefined ? [accounts[0]!] : [])
      .filter((account, position, all) => all.indexOf(account) === position)
      .map((account, position) => ({
        id: `num_${index}_${position}`,
        phone: `+1202555${String(100 + index * 10 + position).padStart(4, "0")}`,
        keyId: key.id,
        agentId: `agent_${index}`,
        accountId: account.id,
      })),
  );
  const faultsMs = dice.between(60_000, 420_000);
  const campaigns = drawCampaigns(openDice(seed, "campaigns"), { numbers, start, faultsMs });
  // Nothing is made any more when it becomes calm.
  const madeAt = campaigns.map((campaign) => campaign.createdAt + 1_000);
  const calmFrom = Math.max(start.at + Math.round(faultsMs), ...madeAt);
  const singles = Array.from({ length: dice.chance(0.6) ? 0 : 3 }, () => ({
    number: dice.pick(numbers as unknown as [NumberPlan, ...NumberPlan[]]),
    phone: phoneOf(Math.floor(dice.between(0, 60))),
    createdAt: start.at + Math.floor(dice.between(0, faultsMs * 0.7)),
  }));
  const plan: WorldPlan = {
    seed,
    startsAt: start.at,
    calmFrom,
    skewsMs: drawSkews(dice),
    keys,
    accounts,
    numbers,
    campaigns,
    singles,
    acts: drawActs(seed, campaigns, start.at, calmFrom),
    faults: drawFaultMix(openDice(seed, "faults")),
    rates: drawRates(openDice(seed, "rates")),
  };
  const jam = openDice(seed, "jam");
  return jam.chance(0.08) ? jammed(plan, jam) : plan;
}

/**
 * The carrier is slower than we believe, so that calls are taken back from its queue, and many of
 * the requests after that get lost.
 */
function jammed(plan: WorldPlan, dice: Dice): WorldPlan {
  const carrier = { ...plan.faults.carrier, errorBefore: dice.between(0.3, 0.7), listLagMs: 0 };
  return {
    ...plan,
    accounts: plan.accounts.map((account) => ({
      ...account,
      callsPerSecond: 10,
      carrierCallsPerSecond: dice.between(0.2, 0.6),
    })),
    faults: { ...plan.faults, carrier },
  };
}

function drawKeys(dice: Dice): Omit<KeyPlan, "hasWebhook">[] {
  return Array.from({ length: dice.chance(0.4) ? 2 : 1 }, (_, index) => ({
    id: `key_${index}`,
    limit: dice.pick([1, 2, 3, 5, 8, 20] as const),
    maxCallsPerDay: dice.chance(0.08) ? Math.ceil(dice.between(2, 12)) : null,
    maxCallsPerRecipient: dice.chance(0.15)
      ? dice.pick<PhoneCaps>([{ per_24_hours: 1 }, { per_24_hours: 2 }, { per_7_days: 2 }])
      : null,
  }));
}

function drawAccounts(dice: Dice): AccountPlan[] {
  return Array.from({ length: dice.chance(0.35) ? 2 : 1 }, (_, index) => {
    const callsPerSecond = dice.pick([1, 1, 2, 5, 10] as const);
    const maxConcurrentCalls = dice.chance(0.6) ? null : Math.ceil(dice.between(0, 6));
    const isSlower = dice.chance(0.12);
    const isNarrower = dice.chance(0.12);
    return {
      id: `acct_${index}`,
      sid: `AC${String(index).repeat(32)}`,
      callsPerSecond,
      maxConcurrentCalls,
      isProven: dice.chance(0.8),
      carrierCallsPerSecond: isSlower ? callsPerSecond / 4 : callsPerSecond,
      carrierConcurrency: isNarrower ? Math.ceil(dice.between(0, 3)) : maxConcurrentCalls,
    };
  });
}

/** Clocks of processes agree exactly in half of the worlds, else to some milliseconds. */
function drawSkews(dice: Dice): number[] {
  const count = dice.pick([1, 2, 2, 3] as const);
  const isSkewed = dice.chance(0.5);
  return Array.from({ length: count }, () => (isSkewed ? Math.round(dice.between(-20, 20)) : 0));
}

function drawRates(dice: Dice): PersonaRates {
  const rates: Partial<Record<Persona, number>> = {};
  for (const persona of PERSONAS) rates[persona] = dice.chance(0.5) ? 0 : dice.fraction();
  return rates;
}
