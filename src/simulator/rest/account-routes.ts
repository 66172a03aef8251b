// The account's own resources: itself, its balance, its numbers and verified caller ids.

import type { FastifyInstance, FastifyReply } from "fastify";
import type { OwnedNumber } from "../carrier-model/account.ts";
import { pageEnvelope } from "./rest-reply.ts";
import type { RequestDesk, RestContext } from "./rest-request.ts";

/** Everything an account owns has been there since this day. */
const BOUGHT_ON = "Thu, 01 Jan 2026 00:00:00 +0000";
const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 1000;

export function addAccountRoutes(scope: FastifyInstance, desk: RequestDesk): void {
  scope.get("/:accountSid.json", desk.guard(sendAccount, true));
  scope.get(
    "/:accountSid/Balance.json",
    desk.guard(({ reply, account }) =>
      reply.send({ account_sid: account.sid, balance: "100.00", currency: "USD" }),
    ),
  );
  scope.get(
    "/:accountSid/IncomingPhoneNumbers.json",
    desk.guard((context) =>
      sendNumbers(context, "IncomingPhoneNumbers", "incoming_phone_numbers", formatOwnedNumber),
    ),
  );
  scope.get(
    "/:accountSid/OutgoingCallerIds.json",
    desk.guard((context) =>
      sendNumbers(context, "OutgoingCallerIds", "outgoing_caller_ids", formatCallerId),
    ),
  );
}

function sendAccount({ reply, account }: RestContext): FastifyReply {
  return reply.send({
    sid: account.sid,
    friendly_name: "Simulated account",
    status: account.status,
    type: account.type,
    auth_token: account.authToken,
    owner_account_sid: account.sid,
    date_created: BOUGHT_ON,
    date_updated: BOUGHT_ON,
    uri: `/2010-04-01/Accounts/${account.sid}.json`,
    subresource_uris: {},
  });
}

function sendNumbers(
  { account, query, reply }: RestContext,
  resource: "IncomingPhoneNumbers" | "OutgoingCallerIds",
  listName: string,
  format: (accountSid: string, number: OwnedNumber) => object,
): FastifyReply {
  const owned = resource === "IncomingPhoneNumbers" ? account.numbers : account.verifiedCallerIds;
  const pattern = query.get("PhoneNumber");
  const found = owned.filter((number) => pattern === null || matches(number.phone, pattern));
  const pageSize = Math.min(Number(query.get("PageSize") ?? 0) || DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
  const page = Number(query.get("Page") ?? 0) || 0;
  const start = page * pageSize;
  const shown = found.slice(start, start + pageSize);
  const hasMore = start + pageSize < found.length;
  const envelope = pageEnvelope({
    path: `/2010-04-01/Accounts/${account.sid}/${resource}.json`,
    query,
    page,
    pageSize,
    start,
    count: shown.length,
    nextToken: hasMore ? `PA${shown.at(-1)?.sid ?? ""}` : null,
  });
  return reply.send({
    ...envelope,
    [listName]: shown.map((number) => format(account.sid, number)),
  });
}

function formatOwnedNumber(accountSid: string, number: OwnedNumber): object {
  return {
    ...formatCallerId(accountSid, number),
    capabilities: { voice: number.canCall, sms: false, mms: false, fax: false },
    status: "in-use",
    uri: `/2010-04-01/Accounts/${accountSid}/IncomingPhoneNumbers/${number.sid}.json`,
  };
}

function formatCallerId(accountSid: string, number: OwnedNumber): object {
  return {
    sid: number.sid,
    account_sid: accountSid,
    friendly_name: number.phone,
    phone_number: number.phone,
    date_created: BOUGHT_ON,
    date_updated: BOUGHT_ON,
    uri: `/2010-04-01/Accounts/${accountSid}/OutgoingCallerIds/${number.sid}.json`,
  };
}

/** A `*` stands for any one digit; a shorter pattern matches anywhere in the number. */
function matches(phone: string, pattern: string): boolean {
  const expression = pattern.replace(/[^0-9*]/g, "").replaceAll("*", "[0-9]");
  return new RegExp(expression).test(phone);
}
