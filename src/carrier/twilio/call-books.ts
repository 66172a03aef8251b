// Reading Twilio's books about calls. They lag, may come unordered, and hold calls that are not
// ours; nothing here decides what that means. A list that may be incomplete is `failed`, never
// short: absence is believed.

import type {
  CarrierCallSnapshot,
  CarrierCredentials,
  ListOutcome,
  LookUpOutcome,
} from "../../ports/carrier.ts";
import type { Instant } from "../../domain/instant.ts";
import type { E164 } from "../../domain/phone.ts";
import { parseAnsweredBy, parseCallStatus } from "./call-status.ts";
import { isMissing } from "./end-call.ts";
import { formatFailure, readRequestFailure } from "./request-failure.ts";
import type { TwilioClient, TwilioTransport } from "./twilio-http-client.ts";

type TwilioCall = Awaited<ReturnType<ReturnType<TwilioClient["calls"]>["fetch"]>>;

/** What is used of the SDK's page; its next page comes typed as a plain one. */
interface CallPage {
  readonly instances: readonly TwilioCall[];
  nextPage(): Promise<CallPage> | undefined;
}

const PAGE_SIZE = 500;
/** The largest the carrier gives (twilio.md §2.5): a busy day is many pages. */
const ACCOUNT_PAGE_SIZE = 1_000;
/** 5,000 calls between one pair of numbers is years of daily calls. */
const MAX_PAGES = 10;
/** A call has a handful of notifications at most. */
const MAX_NOTIFICATIONS = 50;
/** The account had too many calls up (twilio.md §2.3). */
const CONCURRENCY_EXCEEDED = "10004";

/** See Carrier.lookUp. */
export async function lookUpCall(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  carrierCallId: string,
): Promise<LookUpOutcome> {
  try {
    const call = await transport.clientFor(credentials, null).calls(carrierCallId).fetch();
    return { kind: "found", call: readCall(call) };
  } catch (error) {
    const failure = readRequestFailure(error);
    if (isMissing(failure)) return { kind: "absent" };
    return { kind: "failed", reason: formatFailure(failure) };
  }
}

/** See Carrier.list. Not filtered by start time: a queued call has none (twilio.md §2.4). */
export async function listCalls(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  pair: { readonly to: E164; readonly from: E164 },
): Promise<ListOutcome> {
  const calls: CarrierCallSnapshot[] = [];
  try {
    const client = transport.clientFor(credentials, null);
    const asked = { to: pair.to, from: pair.from, pageSize: PAGE_SIZE };
    let page: CallPage | undefined = await client.calls.page(asked);
    for (let pages = 1; page !== undefined; pages += 1) {
      if (pages > MAX_PAGES) {
        return { kind: "failed", reason: `more than ${MAX_PAGES} pages of calls of this pair` };
      }
      calls.push(...page.instances.map(readCall));
      page = await page.nextPage();
    }
    return { kind: "listed", calls };
  } catch (error) {
    return { kind: "failed", reason: formatFailure(readRequestFailure(error)) };
  }
}

/**
 * See Carrier.listSince. The queue comes first: a call that leaves it meanwhile is then among the
 * dialed, and not in neither. A queued call has no start time, so one filter cannot find both.
 */
export async function* listCallsSince(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  since: Instant,
): AsyncGenerator<ListOutcome> {
  const client = transport.clientFor(credentials, null);
  const filters = [{ status: "queued" as const }, { startTimeAfter: new Date(since) }];
  try {
    for (const filter of filters) {
      const asked = { ...filter, pageSize: ACCOUNT_PAGE_SIZE };
      let page: CallPage | undefined = await client.calls.page(asked);
      while (page !== undefined) {
        yield { kind: "listed", calls: page.instances.map(readCall) };
        page = await page.nextPage();
      }
    }
  } catch (error) {
    yield { kind: "failed", reason: formatFailure(readRequestFailure(error)) };
  }
}

/**
 * See Carrier.explainBusy. Over the limit, Twilio was seen to answer 201 and then report a plain
 * `busy`.
 */
export async function explainBusyCall(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  carrierCallId: string,
): Promise<"concurrency" | "busy" | "failed"> {
  try {
    const notifications = await transport
      .clientFor(credentials, null)
      .calls(carrierCallId)
      .notifications.list({ limit: MAX_NOTIFICATIONS });
    // Typed as a string; other carriers send numbers.
    const isOverLimit = notifications.some(
      (notification) => String(notification.errorCode) === CONCURRENCY_EXCEEDED,
    );
    return isOverLimit ? "concurrency" : "busy";
  } catch {
    // Logged where it was answered; "cannot say" is an answer here.
    return "failed";
  }
}

function readCall(call: TwilioCall): CarrierCallSnapshot {
  const status = parseCallStatus(call.status);
  if (status === null) throw new Error(`Twilio gave a call the unknown status ${call.status}`);
  return {
    carrierCallId: call.sid,
    to: call.to,
    from: call.from,
    status,
    answeredBy: call.answeredBy ? parseAnsweredBy(call.answeredBy) : null,
    createdAt: readInstant(call.dateCreated),
    durationSeconds: readSeconds(call.duration),
    isOutboundApi: call.direction === "outbound-api",
  };
}

// The SDK leaves what it cannot read as it came.
function readInstant(date: unknown): number | null {
  return date instanceof Date && !Number.isNaN(date.getTime()) ? date.getTime() : null;
}

function readSeconds(duration: unknown): number | null {
  if (duration === null || duration === undefined || duration === "") return null;
  const seconds = Number(duration);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
