// The account that exists when nobody configured one. Its credentials are public on purpose: they
// open only a simulator. Spelled by repetition so that no secret scanner takes them for real ones.

import type { AccountSettingsInput } from "./account.ts";

export const DEFAULT_ACCOUNT_SID = `AC${"ca11".repeat(8)}`;
export const DEFAULT_AUTH_TOKEN = "5eed".repeat(8);
/** Three of the phone numbers reserved for fiction, in three cities. */
export const DEFAULT_NUMBERS: readonly string[] = ["+12025550100", "+13125550100", "+14155550100"];

export const defaultAccount: AccountSettingsInput = {
  account_sid: DEFAULT_ACCOUNT_SID,
  auth_token: DEFAULT_AUTH_TOKEN,
  // An approved business account asks for more than the default of 1 in one form; 5 is what it gets
  // by itself.
  cps: 5,
  numbers: DEFAULT_NUMBERS.map((phone_number) => ({ phone_number })),
};
