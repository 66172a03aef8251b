// The errand of `carillon verify`: opens the store, beside a running server or alone, and checks
// it.

import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "./config.ts";
import { loadEncryptionKey } from "./encryption-key.ts";
import { withStore } from "./open-store.ts";
import { createSecretBox } from "./secret-box.ts";
import { startSystemClock } from "./system-clock.ts";
import { systemRandom } from "./system-random.ts";
import { askingCarrier, verifyCarrier } from "./verify-carrier.ts";
import { verifyTables, type Verification } from "./verify.ts";

/** @param withCarrier also ask the carrier about every open call */
export function runVerify(
  config: Config,
  onNotice: (notice: string) => void,
  withCarrier: boolean,
): Promise<Verification> {
  return withStore(config, onNotice, async (database, store) => {
    const clock = await startSystemClock(database);
    try {
      const tables = await verifyTables(database, clock.now());
      if (!withCarrier) return tables;
      const explicit = config.get("CARILLON_ENCRYPTION_KEY");
      const { key } = loadEncryptionKey({ explicit, dataDirectory: store.dataDirectory });
      const secretBox = createSecretBox(key, systemRandom);
      const carrier = askingCarrier({ baseUrl: config.require("TWILIO_API_BASE_URL"), clock });
      try {
        const found = await verifyCarrier({
          database,
          carrier,
          decryptToken: (encrypted) => secretBox.decrypt(encrypted),
          wait: (ms) => delay(ms),
        });
        return { rules: tables.rules + 1, findings: [...tables.findings, ...found] };
      } finally {
        await carrier.close();
      }
    } finally {
      clock.stop();
    }
  });
}
