// The call resource as the carrier's REST API shows it: snake_case, every value a string or null.
// The books know more than this shows.

import { connectedSeconds, isEnded } from "../carrier-model/call.ts";
import type { Call, CallNotification } from "../carrier-model/call.ts";
import { formatRfc2822 } from "../webhooks/call-fields.ts";

const API_VERSION = "2010-04-01";
const SUBRESOURCES = [
  "notifications",
  "recordings",
  "payments",
  "events",
  "siprec",
  "streams",
  "transcriptions",
  "user_defined_message_subscriptions",
  "user_defined_messages",
];

export function formatCall(call: Call): Record<string, unknown> {
  const path = `/${API_VERSION}/Accounts/${call.accountSid}/Calls/${call.sid}`;
  const wasConnected = call.answeredAt !== null && isEnded(call);
  return {
    sid: call.sid,
    account_sid: call.accountSid,
    parent_call_sid: null,
    to: call.to,
    to_formatted: formatNational(call.to),
    from: call.from,
    from_formatted: formatNational(call.from),
    phone_number_sid: call.numberSid,
    status: call.status,
    start_time: formatInstant(call.dialedAt),
    end_time: formatInstant(call.endedAt),
    duration: wasConnected ? String(connectedSeconds(call)) : null,
    // Priced a while after the call on the real carrier; the simulator never prices.
    price: null,
    price_unit: "USD",
    direction: call.direction,
    answered_by: call.answeredBy,
    api_version: API_VERSION,
    forwarded_from: null,
    group_sid: null,
    caller_name: null,
    queue_time: String(call.queueTimeMs),
    trunk_sid: null,
    date_created: formatInstant(call.createdAt),
    date_updated: formatInstant(call.updatedAt),
    uri: `${path}.json`,
    subresource_uris: Object.fromEntries(
      SUBRESOURCES.map((name) => [name, `${path}/${camelCase(name)}.json`]),
    ),
  };
}

export function formatNotification(call: Call, notification: CallNotification): object {
  const account = `/${API_VERSION}/Accounts/${call.accountSid}`;
  const at = formatInstant(notification.at);
  return {
    sid: notification.sid,
    account_sid: call.accountSid,
    call_sid: call.sid,
    log: "0",
    error_code: String(notification.code),
    more_info: `https://www.twilio.com/docs/errors/${notification.code}`,
    // Seen empty on the real carrier: the code is all there is.
    message_text: null,
    message_date: at,
    request_url: null,
    request_method: null,
    api_version: API_VERSION,
    date_created: at,
    date_updated: at,
    uri: `${account}/Calls/${call.sid}/Notifications/${notification.sid}.json`,
  };
}

function formatInstant(at: number | null): string | null {
  return at === null ? null : formatRfc2822(at);
}

/** `(202) 555-0123` for North American numbers, unchanged otherwise. */
function formatNational(phone: string): string {
  const match = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(phone);
  return match === null ? phone : `(${match[1]}) ${match[2]}-${match[3]}`;
}

function camelCase(name: string): string {
  return name.replace(/(^|_)([a-z])/g, (_all, _start, letter: string) => letter.toUpperCase());
}
