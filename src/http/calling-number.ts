// Which of an agent's numbers a call or campaign goes out from. It is decided when the request is
// made and written down: nobody is ever called from another number because the first one went away.

import { parsePhone } from "../domain/phone.ts";
import type { Queryable } from "../ports/database.ts";
import { findNumber, listOutboundNumbers, type PhoneNumberRow } from "../store/phone-numbers.ts";

export type NumberChoice =
  | { readonly kind: "chosen"; readonly number: PhoneNumberRow }
  /** `from_number` was sent and cannot be used; the message says why. */
  | { readonly kind: "unusable"; readonly message: string }
  /** None was sent and there is no single one: these may call. */
  | { readonly kind: "undecided"; readonly numbers: readonly PhoneNumberRow[] };

/** The number that was asked for, or the only one the agent may call from. Source: contract A.2. */
export async function chooseNumber(
  db: Queryable,
  keyId: string,
  agentId: string,
  fromNumber: string | null,
): Promise<NumberChoice> {
  if (fromNumber === null) {
    const numbers = await listOutboundNumbers(db, keyId, agentId);
    const [only, ...others] = numbers;
    if (only === undefined || others.length > 0) return { kind: "undecided", numbers };
    return usable(only);
  }
  const parsed = parsePhone(fromNumber);
  if (parsed.kind === "invalid") return unusable(`from_number ${parsed.reason}.`);
  const number = await findNumber(db, keyId, parsed.phone);
  if (number === null)
    return unusable(`from_number ${parsed.phone} is not imported with this key.`);
  if (number.agentId !== agentId) {
    return unusable(`from_number ${parsed.phone} is not attached to this agent.`);
  }
  if (!number.outboundEnabled) {
    return unusable(`from_number ${parsed.phone} may not call: its outbound_enabled is false.`);
  }
  return usable(number);
}

function usable(number: PhoneNumberRow): NumberChoice {
  if (number.benchedAt === null) return { kind: "chosen", number };
  return unusable(
    `The carrier refused to call from ${number.phone}${number.benchReason === null ? "" : `: ${number.benchReason}`}. ` +
      "Once that is mended, set its outbound_enabled to true.",
  );
}

function unusable(message: string): NumberChoice {
  return { kind: "unusable", message };
}
