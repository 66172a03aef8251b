// What can go wrong, how often and how badly. One document, checked here; setting it replaces all
// of it, and whatever is not named goes back to its default. By default nothing goes wrong except
// what the real carrier always does: its list lags, holds calls of others, and voicemail detection
// errs.

import { z } from "zod";

const probability = z.number().min(0).max(1);
const chance = z.strictObject({ probability: probability.default(0) }).prefault({});

// An hour bounds every wait: longer is the same as never.
const milliseconds = z.number().min(0).max(3_600_000);

const delay = (minMs: number, maxMs: number) =>
  z
    .strictObject({
      probability: probability.default(0),
      min_ms: milliseconds.default(minMs),
      max_ms: milliseconds.default(maxMs),
    })
    .refine((value) => value.min_ms <= value.max_ms, "min_ms must not be above max_ms")
    .prefault({});

const create = z.strictObject({
  /** Refuses with this code; nothing is created. */
  refuse: z
    .strictObject({
      probability: probability.default(0),
      code: z.number().int().min(10_000).max(99_999).default(21211),
    })
    .prefault({}),
  /** 429; nothing is created. */
  too_many_requests: chance,
  /** 500; nothing is created. */
  error_before_accept: chance,
  /** The call is made and dialed, the answer is 500. */
  error_after_accept: chance,
  /** Nothing is created, no answer ever comes. */
  hang_before_accept: chance,
  /** The call is made and dialed, no answer ever comes. */
  hang_after_accept: chance,
  /** The call is made and dialed, the connection is cut. */
  reset_after_accept: chance,
  /** The answer is late; callbacks may come before it. */
  slow: delay(1_000, 5_000),
});

const callbacks = z.strictObject({
  lost: chance,
  doubled: chance,
  late: delay(1_000, 10_000),
  /** Held back just long enough for a later one to overtake it. */
  reordered: chance,
});

const list = z.strictObject({
  /** 500 instead of a page. */
  fail: chance,
  /** Each call shows up after a random time up to this. Applies to calls created from now on. */
  max_lag_ms: milliseconds.default(30_000),
  /**
   * Another program of the account's owner calls the same person, within the last day or at about
   * the same time.
   */
  foreign: z
    .strictObject({
      probability: probability.default(0.05),
      near_probability: probability.default(0.1),
    })
    .prefault({}),
  unordered: z.boolean().default(false),
});

const model = z.strictObject({
  too_many_requests: chance,
  server_error: chance,
  /** The first token is late. */
  slow: delay(2_000, 6_000),
  /** The stream opens and breaks before a token. */
  fail_before_first_token: chance,
  fail_mid_stream: chance,
  /** The stream stops in the middle and stays open. */
  stall: chance,
  /** The text never ends, until the other side hangs up. */
  runs_away: chance,
  /** Nothing is said and no tool called. */
  empty: chance,
  /** A tool that was offered is called with arguments that are no JSON. */
  broken_arguments: chance,
  /** A tool that was offered is called with arguments of other names and types. */
  wrong_arguments: chance,
  /** A tool that was not offered is called. */
  unknown_tool: chance,
});

const relay = z.strictObject({
  /** The carrier's side of a conversation's socket drops without a word. */
  socket_loss: delay(1_000, 20_000),
  /** The carrier closes the socket with this status. */
  close: z
    .strictObject({
      probability: probability.default(0),
      min_ms: milliseconds.default(1_000),
      max_ms: milliseconds.default(20_000),
      code: z.number().int().min(1_000).max(4_999).default(1_011),
    })
    .refine((value) => value.min_ms <= value.max_ms, "min_ms must not be above max_ms")
    .prefault({}),
  /** `setup`, and all that follows it, is late. */
  late_setup: delay(1_000, 8_000),
  /** An `error` frame comes in the middle; the talk goes on. */
  error_frame: delay(1_000, 20_000),
  /** Nothing more comes from the carrier, on a socket that stays open. */
  falls_mute: delay(1_000, 20_000),
  /** No report of who speaks and what was played ever comes. */
  no_reports: chance,
  /** A frame comes twice. */
  doubled_frame: chance,
  /** A frame comes after one that is no JSON. */
  garbled_frame: chance,
});

export const Faults = z.strictObject({
  create: create.prefault({}),
  callbacks: callbacks.prefault({}),
  list: list.prefault({}),
  /** 500 when one call is asked for. */
  fetch: z.strictObject({ fail: chance }).prefault({}),
  /** 500 when a call is updated; nothing is changed. */
  update: z.strictObject({ fail: chance }).prefault({}),
  recordings: z
    .strictObject({
      /** 500 instead of a list, a file or a deletion. */
      fail: chance,
      /** There is none after all, and its callback says so. */
      absent: chance,
    })
    .prefault({}),
  /** How often voicemail detection errs. */
  amd: z
    .strictObject({
      /** A person is taken for a machine. */
      false_positive: probability.default(0.04),
      /** A machine is taken for a person. */
      false_negative: probability.default(0.06),
      unknown: probability.default(0.03),
    })
    .prefault({}),
  relay: relay.prefault({}),
  model: model.prefault({}),
});

export type Faults = z.output<typeof Faults>;
export type FaultsInput = z.input<typeof Faults>;

export const CREATE_FAULTS = [
  "refuse",
  "too_many_requests",
  "error_before_accept",
  "error_after_accept",
  "hang_before_accept",
  "hang_after_accept",
  "reset_after_accept",
] as const;

export type CreateFault = (typeof CREATE_FAULTS)[number];
