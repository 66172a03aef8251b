// Importing a phone number (contract B.10; DESIGN §5): the credentials are verified and the
// number's ownership checked at the carrier, the token is stored encrypted, and the number's own
// webhooks at the carrier are left alone.

import { AppError } from "../domain/app-error.ts";
import { newRowId } from "../domain/ids.ts";
import { parsePhone, type E164 } from "../domain/phone.ts";
import { findAgent } from "../store/agents.ts";
import { replaceAccountToken, saveAccount } from "../store/carrier-accounts.ts";
import {
  createNumber,
  findNumber,
  findNumberOwner,
  type PhoneNumberRow,
} from "../store/phone-numbers.ts";
import { agentNotFound } from "./agent-routes.ts";
import { verifyAccount, verifyNumber } from "./carrier-checks.ts";
import type { ParsedImportNumberRequest } from "./contract/phone-number.ts";
import { newNumberSettings } from "./number-fields.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

const ACCOUNT_ID = /^AC[a-f0-9]{32}$/;
/** Callbacks that the carrier signed with the old token still verify for a day. */
export const PREVIOUS_TOKEN_VALID_MS = 24 * 3_600_000;

type Ports = Pick<HttpDependencies, "database" | "clock" | "random" | "carrier" | "secretBox">;

/** Source of the order of checks and of the codes: contract B.10. */
export async function importNumber(
  ports: Ports,
  keyId: string,
  request: ParsedImportNumberRequest,
): Promise<PhoneNumberRow> {
  const phone = importedPhone(request.phone_number);
  if (!ACCOUNT_ID.test(request.twilio_sid)) {
    throw new AppError("invalid_twilio_sid", {
      message: "twilio_sid must be AC followed by 32 characters of 0-9 and a-f.",
      details: { field: "twilio_sid" },
    });
  }
  if ((await findAgent(ports.database, keyId, request.agent_id)) === null) throw agentNotFound();
  // Only the owner learns of an import before the carrier has said that the number is the caller's.
  if ((await findNumberOwner(ports.database, phone)) === keyId) throw alreadyImported(phone);
  const credentials = { carrierAccountId: request.twilio_sid, authToken: request.twilio_token };
  const account = await verifyAccount(ports.carrier, credentials);
  const carrierNumberId = await verifyNumber(ports.carrier, credentials, phone);
  const now = ports.clock.now();
  return ports.database.transaction(async (tx) => {
    const saved = await saveAccount(tx, {
      newId: newRowId("acct", ports.random),
      now,
      carrierAccountId: credentials.carrierAccountId,
      token: ports.secretBox.encrypt(credentials.authToken),
      accountType: account.accountType,
      callsPerSecond: request.calls_per_second,
      maxConcurrentCalls: request.max_concurrent_calls,
      carrierConcurrency: account.maxConcurrentCalls,
    });
    if (!holdsToken(ports, saved.token, credentials.authToken)) {
      const token = ports.secretBox.encrypt(credentials.authToken);
      await replaceAccountToken(tx, saved.id, token, now + PREVIOUS_TOKEN_VALID_MS);
    }
    const isCreated = await createNumber(tx, {
      id: newRowId("num", ports.random),
      phone,
      keyId,
      agentId: request.agent_id,
      accountId: saved.id,
      carrierNumberId,
      settings: { ...newNumberSettings, custom_prompt: request.custom_prompt || null },
      createdAt: now,
    });
    if (!isCreated) throw alreadyImported(phone);
    const number = await findNumber(tx, keyId, phone);
    if (number === null) throw new Error("a number vanished in the transaction that wrote it");
    return number;
  });
}

/** Whether an encrypted token is this one; one that cannot be read any more is not. */
export function holdsToken(
  ports: Pick<HttpDependencies, "secretBox">,
  encrypted: Uint8Array,
  token: string,
): boolean {
  try {
    return ports.secretBox.decrypt(encrypted) === token;
  } catch {
    // Written with another encryption key: the verified token replaces it.
    return false;
  }
}

function importedPhone(text: string): E164 {
  const parsed = parsePhone(text);
  if (parsed.kind === "valid") return parsed.phone;
  throw new AppError("invalid_phone_format", {
    message: `phone_number ${parsed.reason}.`,
    details: { field: "phone_number" },
  });
}

function alreadyImported(phone: E164): AppError {
  return new AppError("number_already_imported", {
    message: `${phone} is imported already. Delete it first to move it.`,
  });
}
