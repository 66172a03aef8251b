// What a person should know before creating a batch. Codes are stable, messages are not; the list
// is short, because a warning that is always there is read by nobody.

import type { Opening } from "../domain/calling-window.ts";
import { MAX_LATENESS_MS } from "../domain/claim-plan.ts";
import type { CampaignProjection } from "../domain/campaign-projection.ts";
import type { Instant } from "../domain/instant.ts";
import { formatLocalTime, spansOfConstantOffset } from "../domain/time-zone.ts";
import type { ModelConfiguration } from "../ports/model.ts";
import type { DialingLimits } from "../store/preview-facts.ts";
import type { ParsedBatch } from "./batch-parsing.ts";
import type { PreviewWarning } from "./contract/preview.ts";
import { isoTime } from "./iso-time.ts";

export interface PreviewFacts {
  readonly batch: ParsedBatch;
  /** In which the openings are shown. */
  readonly zone: string;
  readonly expiresAt: Instant | null;
  readonly suppressedCount: number;
  readonly limits: DialingLimits;
  readonly model: ModelConfiguration;
  /** Those that are shown. */
  readonly openings: readonly Opening[];
  readonly projection: CampaignProjection;
}

/** In the order in which a person would mend them. */
export function previewWarnings(facts: PreviewFacts): PreviewWarning[] {
  return [
    ...warningsOfInstallation(facts),
    ...warningsOfList(facts),
    ...clockChanges(facts),
    ...warningsOfTime(facts),
  ];
}

function warningsOfInstallation({ model, limits }: PreviewFacts): PreviewWarning[] {
  const warnings: PreviewWarning[] = [];
  if (model.kind === "missing") warnings.push({ code: "no_model", message: model.instruction });
  if (limits.dialingStoppedAt !== null) {
    const message = `The operator stopped all dialing${because(limits.dialingStopReason)}`;
    warnings.push({ code: "dialing_stopped", message });
  } else if (limits.accountPausedAt !== null) {
    const message = `The number's carrier account is paused${because(limits.accountPauseReason)}`;
    warnings.push({ code: "dialing_stopped", message });
  }
  return warnings;
}

function warningsOfList({ batch, suppressedCount }: PreviewFacts): PreviewWarning[] {
  const { invalidCount, duplicateCount, validCount, fields } = batch;
  const warnings: PreviewWarning[] = [];
  const warn = (code: PreviewWarning["code"], message: string): void => {
    warnings.push({ code, message });
  };
  if (invalidCount > 0 && !(fields.skip_invalid ?? false)) {
    warn("invalid_phones", "Phones are invalid: to create it, mend them or send skip_invalid.");
  }
  if (duplicateCount > 0 && !(fields.skip_duplicates ?? false)) {
    warn(
      "duplicates",
      `${duplicateCount} recipients have a phone that stands earlier in the list: it is called for ` +
        "each of them, one after the other. skip_duplicates calls it once.",
    );
  }
  if (suppressedCount > 0) {
    warn("suppressed", `${suppressedCount} recipients are suppressed and will not be called.`);
  }
  if (validCount === suppressedCount) warn("nobody_to_call", "Nobody of the list may be called.");
  return warnings;
}

/** Whatever shifts, shortens, lengthens or repeats an opening. */
function clockChanges({ openings, zone }: PreviewFacts): PreviewWarning[] {
  return openings.flatMap(({ opensAt, closesAt }) => {
    if (!Number.isFinite(closesAt)) return [];
    // From just before it opens: a minute that does not exist opens at the change itself.
    const changes = spansOfConstantOffset(zone, opensAt - 1, closesAt).slice(1);
    return changes.map(({ startsAt }) => {
      const local = formatLocalTime(startsAt, zone);
      const message =
        `The clock in ${zone} changes at ${isoTime(startsAt)} (it is then ${local}), within ` +
        `the opening from ${formatLocalTime(opensAt, zone)}.`;
      return { code: "clock_change" as const, message };
    });
  });
}

function warningsOfTime(facts: PreviewFacts): PreviewWarning[] {
  const { batch, expiresAt, suppressedCount, projection, openings, limits } = facts;
  const callable = batch.validCount - suppressedCount;
  if (callable === 0) return [];
  const warnings: PreviewWarning[] = [];
  const finishesAt = projection.finishesAt ?? Number.POSITIVE_INFINITY;
  if (projection.paceBinds && finishesAt > (openings[0]?.closesAt ?? Number.POSITIVE_INFINITY)) {
    const perMinute = Math.round((60_000 * limits.callsPerSecond) / (1_000 + MAX_LATENESS_MS));
    const message =
      `The carrier account's pace of ${limits.callsPerSecond} calls per second (${perMinute} a ` +
      "minute) is too low to finish within the first opening; more calls at once would not help.";
    warnings.push({ code: "slow_pace", message });
  }
  if (expiresAt !== null && finishesAt > expiresAt) {
    const message =
      `About ${projection.dialedInTime} of ${callable} recipients are called before it expires at ` +
      `${isoTime(expiresAt)}.`;
    warnings.push({ code: "too_short", message });
  }
  if (projection.finishesAt === null) {
    const message =
      projection.startsAt === null
        ? "No call is ever made: a limit of the key or of the carrier account is 0."
        : "It does not finish within a year: raise the limits, widen the window or split the list.";
    warnings.push({ code: "never_finishes", message });
  }
  return warnings;
}

function because(reason: string | null): string {
  return reason === null ? "." : `: ${reason}`;
}
