// One carrier account: credentials, what it owns and what it may do. Settings come as JSON
// documents, the same for the start options and for the control API, and are checked here and
// nowhere else.

import { z } from "zod";

export interface OwnedNumber {
  readonly sid: string;
  readonly phone: string;
  /** Whether calls may be made from it. */
  readonly canCall: boolean;
}

export interface Account {
  readonly sid: string;
  readonly authToken: string;
  readonly type: "Trial" | "Full";
  readonly status: "active" | "suspended" | "closed";
  readonly maxCallsPerSecond: number;
  /** null: no limit. */
  readonly maxConcurrentCalls: number | null;
  /** Calls that may wait in the carrier's queue before creates are refused with 22005. */
  readonly maxQueuedCalls: number;
  /** REST requests at once before 429; null: no limit. */
  readonly maxConcurrentRequests: number | null;
  readonly numbers: readonly OwnedNumber[];
  readonly verifiedCallerIds: readonly OwnedNumber[];
  /** ISO country codes that may be called; null: all. */
  readonly allowedCountries: readonly string[] | null;
  /** Phones that the carrier refuses to call (21216). */
  readonly blockedPhones: ReadonlySet<string>;
}

const phone = z.string().regex(/^\+[1-9]\d{6,14}$/, "must be an E.164 phone number");

// The carrier lets at most 24 hours of calls wait.
const QUEUE_SECONDS = 86_400;

// Limits bound memory: an account with more numbers than a large customer's own is a mistake in a
// script.
export const AccountSettings = z.strictObject({
  account_sid: z.string().regex(/^AC[0-9a-f]{32}$/, "must be AC and 32 lower-case hex digits"),
  auth_token: z.string().min(1).max(200),
  type: z.enum(["Trial", "Full"]).default("Full"),
  status: z.enum(["active", "suspended", "closed"]).default("active"),
  cps: z.number().positive().max(10_000).default(1),
  max_concurrent_calls: z.number().int().positive().nullable().default(null),
  max_queued_calls: z.number().int().nonnegative().nullable().default(null),
  max_concurrent_requests: z.number().int().positive().nullable().default(null),
  numbers: z
    .array(z.strictObject({ phone_number: phone, voice: z.boolean().default(true) }))
    .max(10_000)
    .default([]),
  verified_caller_ids: z.array(phone).max(10_000).default([]),
  allowed_countries: z
    .array(z.string().regex(/^[A-Z]{2}$/))
    .max(300)
    .nullable()
    .default(null),
  blocked_numbers: z.array(phone).max(100_000).default([]),
});

/** What a caller writes: only the credentials are required. */
export type AccountSettingsInput = z.input<typeof AccountSettings>;

/**
 * Turns checked settings into an account. Number ids are made from the phones, so they stay the
 * same over restarts.
 */
export function createAccount(settings: z.output<typeof AccountSettings>): Account {
  return {
    sid: settings.account_sid,
    authToken: settings.auth_token,
    type: settings.type,
    status: settings.status,
    maxCallsPerSecond: settings.cps,
    maxConcurrentCalls: settings.max_concurrent_calls,
    maxQueuedCalls: settings.max_queued_calls ?? Math.floor(settings.cps * QUEUE_SECONDS),
    maxConcurrentRequests: settings.max_concurrent_requests,
    numbers: settings.numbers.map((number) => ({
      sid: resourceSid("PN", number.phone_number),
      phone: number.phone_number,
      canCall: number.voice,
    })),
    verifiedCallerIds: settings.verified_caller_ids.map((verified) => ({
      sid: resourceSid("PN", `verified${verified}`),
      phone: verified,
      canCall: true,
    })),
    allowedCountries: settings.allowed_countries,
    blockedPhones: new Set(settings.blocked_numbers),
  };
}

/**
 * An account as the control API shows it. The token is shown: it opens nothing but this simulator.
 */
export function formatAccount(account: Account): Record<string, unknown> {
  return {
    account_sid: account.sid,
    auth_token: account.authToken,
    type: account.type,
    status: account.status,
    cps: account.maxCallsPerSecond,
    max_concurrent_calls: account.maxConcurrentCalls,
    max_queued_calls: account.maxQueuedCalls,
    max_concurrent_requests: account.maxConcurrentRequests,
    numbers: account.numbers.map((n) => ({ phone_number: n.phone, voice: n.canCall })),
    verified_caller_ids: account.verifiedCallerIds.map((n) => n.phone),
    allowed_countries: account.allowedCountries,
    blocked_numbers: [...account.blockedPhones],
  };
}

function resourceSid(prefix: string, text: string): string {
  const hex = Buffer.from(text.padEnd(16, "#")).toString("hex").slice(-32);
  return prefix + hex.padStart(32, "0");
}
