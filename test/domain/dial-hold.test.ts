// Every rule that can hold a recipient back, one fact changed at a time, and their order.

import { expect, test } from "vitest";
import { decideDialHold, type DialHoldFacts } from "../../src/domain/dial-hold.ts";

const NOW = Date.parse("2030-06-12T11:00:00Z");

const free: DialHoldFacts = {
  now: NOW,
  installation: { stoppedAt: null, stopReason: null },
  key: { revokedAt: null, freeSlots: 3, dayCapReachedAt: null },
  campaign: {
    status: "running",
    statusReason: null,
    opensAt: NOW - 1,
    closesAt: NOW + 1,
    windowOverriddenUntil: null,
  },
  agentUsable: true,
  number: { outboundEnabled: true, benchReason: null },
  account: {
    pausedAt: null,
    isReconciling: false,
    pauseReason: null,
    backoffUntil: null,
    nextDialAt: NOW,
    provenAt: NOW,
    maxOpenCalls: 10,
    openCalls: 9,
  },
  freeVoiceSessions: 1,
  recipient: { state: "waiting", dueAt: NOW, dueReason: null, waitsForPhone: false },
};

type Change = { [K in keyof DialHoldFacts]?: object | null | boolean | number };

function withChange(change: Change): DialHoldFacts {
  const changed = Object.entries(change).map(([name, value]) => {
    const before = free[name as keyof DialHoldFacts];
    const isPart = typeof value === "object" && value !== null && typeof before === "object";
    return [name, isPart ? { ...before, ...value } : value];
  });
  return { ...free, ...Object.fromEntries(changed) };
}

const LATER = NOW + 60_000;

test.each<[string, Change, string, number | null]>([
  ["stopped by the operator", { installation: { stoppedAt: NOW } }, "dialing_stopped", null],
  ["key revoked", { key: { revokedAt: NOW } }, "key_revoked", null],
  ["scheduled", { campaign: { status: "scheduled", opensAt: LATER } }, "campaign_scheduled", LATER],
  ["paused", { campaign: { status: "paused" } }, "campaign_paused", null],
  ["canceled", { campaign: { status: "canceled" } }, "campaign_closing", null],
  ["failed", { campaign: { status: "failed" } }, "campaign_closing", null],
  ["agent gone", { agentUsable: false }, "agent_unusable", null],
  ["number gone", { number: null }, "number_unusable", null],
  ["number disabled", { number: { outboundEnabled: false } }, "number_unusable", null],
  ["number benched", { number: { benchReason: "21210" } }, "number_unusable", null],
  ["before the window", { campaign: { opensAt: LATER } }, "outside_window", LATER],
  ["just at the window's end", { campaign: { closesAt: NOW } }, "outside_window", null],
  ["a retry", { recipient: { dueAt: LATER, dueReason: "retry" } }, "retry_later", LATER],
  ["a capped phone", { recipient: { dueAt: LATER, dueReason: "cap" } }, "phone_cap", LATER],
  ["a callback", { recipient: { dueAt: LATER, dueReason: "callback" } }, "callback_later", LATER],
  [
    "a retry after the next opening",
    { campaign: { opensAt: LATER - 1 }, recipient: { dueAt: LATER, dueReason: "retry" } },
    "retry_later",
    LATER,
  ],
  [
    "a retry before the next opening",
    { campaign: { opensAt: LATER }, recipient: { dueAt: LATER - 1, dueReason: "retry" } },
    "outside_window",
    LATER,
  ],
  ["another call to the phone", { recipient: { waitsForPhone: true } }, "phone_busy", null],
  ["due later", { recipient: { dueAt: LATER } }, "not_due", LATER],
  ["account restored", { account: { isReconciling: true } }, "account_reconciling", null],
  ["account paused", { account: { pausedAt: NOW } }, "account_paused", null],
  ["account backing off", { account: { backoffUntil: LATER } }, "account_backing_off", LATER],
  ["account unproven", { account: { provenAt: null, openCalls: 1 } }, "account_unproven", null],
  ["account full", { account: { openCalls: 10 } }, "account_full", null],
  [
    "day's cap",
    { key: { dayCapReachedAt: NOW - 3_600_000 } },
    "key_daily_limit",
    NOW + 23 * 3_600_000,
  ],
  ["day's cap of nothing", { key: { dayCapReachedAt: Infinity } }, "key_daily_limit", null],
  ["key's limit", { key: { freeSlots: 0 } }, "key_limit", null],
  ["no voice", { freeVoiceSessions: 0 }, "no_voice_session", null],
  ["pace", { account: { nextDialAt: LATER } }, "account_pace", LATER],
  ["nothing", {}, "next_in_turn", null],
  [
    "an unproven account without calls",
    { account: { provenAt: null, openCalls: 0 } },
    "next_in_turn",
    null,
  ],
  ["a back-off that is over", { account: { backoffUntil: NOW } }, "next_in_turn", null],
  [
    "a window overridden by a launch",
    { campaign: { opensAt: LATER, windowOverriddenUntil: LATER } },
    "next_in_turn",
    null,
  ],
  [
    "an override that is over",
    { campaign: { opensAt: LATER, windowOverriddenUntil: NOW } },
    "outside_window",
    LATER,
  ],
])("%s", (_name, change, rule, until) => {
  expect(decideDialHold(withChange(change))).toMatchObject({ rule, until });
});

test("what people must lift is named before what passes by itself", () => {
  const everything = withChange({
    installation: { stoppedAt: NOW },
    campaign: { status: "paused", opensAt: LATER },
    account: { pausedAt: NOW },
    key: { freeSlots: 0 },
  });
  expect(decideDialHold(everything)?.rule).toBe("dialing_stopped");
});

test("only who waits is held", () => {
  for (const state of ["calling", "reached", "invalid", "canceled"] as const) {
    expect(decideDialHold(withChange({ recipient: { state } }))).toBeNull();
  }
});

test("a reason given by a person is shown", () => {
  const facts = withChange({ installation: { stoppedAt: NOW, stopReason: "wrong list" } });
  expect(decideDialHold(facts)?.message).toContain("wrong list");
});
