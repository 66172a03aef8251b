// The operator's token: the configured one, or one made at first start and told once. Only its hash
// is kept.

import type { Database } from "../ports/database.ts";
import type { Random } from "../ports/random.ts";
import { newSecret } from "../domain/ids.ts";
import { hashSecret } from "../http/secret-hash.ts";
import {
  claimOperatorTokenHash,
  readOperatorTokenHash,
  replaceOperatorTokenHash,
} from "../store/installation.ts";

/** Answers the token when it was made just now, else null. Two first starts at once make one. */
export async function ensureOperatorToken(
  database: Database,
  random: Random,
  configured: string | null,
): Promise<string | null> {
  if (configured !== null) {
    await replaceOperatorTokenHash(database, hashSecret(configured));
    return null;
  }
  if ((await readOperatorTokenHash(database)) !== null) return null;
  const token = newSecret(random);
  return (await claimOperatorTokenHash(database, hashSecret(token))) ? token : null;
}
