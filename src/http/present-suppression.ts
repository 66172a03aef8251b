// Suppressions as the API shows them. What a key is told of the operator's entries is decided here.

import type { SuppressionRow } from "../store/suppressions.ts";
import type { Suppression, SuppressionCheck } from "./contract/suppression.ts";
import { isoTime } from "./iso-time.ts";

export function presentSuppression(row: SuppressionRow): Suppression {
  return {
    suppression_id: row.id,
    phone: row.phone,
    scope: scopeOf(row),
    reason: row.reason,
    source: row.source,
    created_at: isoTime(row.createdAt),
  };
}

/**
 * That and since when the operator suppresses a phone is everybody's business, or a tenant would
 * look for a fault; why is the operator's, and may name another tenant.
 */
export function presentReasonToNotCall(
  row: SuppressionRow,
  isOperator: boolean,
): SuppressionCheck["suppressed_by"][number] {
  const isShown = row.keyId !== null || isOperator;
  return {
    scope: scopeOf(row),
    since: isoTime(row.createdAt),
    suppression_id: isShown ? row.id : null,
    reason: isShown ? row.reason : null,
    source: isShown ? row.source : null,
  };
}

function scopeOf(row: SuppressionRow): "key" | "installation" {
  return row.keyId === null ? "installation" : "key";
}
