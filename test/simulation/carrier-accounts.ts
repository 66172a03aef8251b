// The accounts of a world as the carrier knows them.

import {
  AccountSettings,
  createAccount,
  type Account,
} from "../../src/simulator/carrier-model/account.ts";
import type { WorldPlan } from "./world-plan.ts";

export function carrierAccounts(plan: WorldPlan): readonly Account[] {
  return plan.accounts.map((account) =>
    createAccount(
      AccountSettings.parse({
        account_sid: account.sid,
        auth_token: "token",
        cps: account.carrierCallsPerSecond,
        max_concurrent_calls: account.carrierConcurrency,
        numbers: plan.numbers
          .filter((number) => number.accountId === account.id)
          .map((number) => ({ phone_number: number.phone })),
      }),
    ),
  );
}
