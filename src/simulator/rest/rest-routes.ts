// The carrier's REST API: calls, their notifications, the account and its numbers. Anything else is
// 20404.

import type { FastifyInstance, FastifyReply } from "fastify";
import { isEnded, type Call } from "../carrier-model/call.ts";
import type { OwnedNumber } from "../carrier-model/account.ts";
import { listCalls } from "../carrier-model/call-list.ts";
import { parseScript } from "../carrier-model/create-call-request.ts";
import { restError } from "../carrier-model/rest-error.ts";
import { openDice } from "../dice.ts";
import type { SimulatorLog } from "../simulator-log.ts";
import type { SimulatorRun } from "../simulator-run.ts";
import { formatCall, formatNotification } from "./call-json.ts";
import { createCallRoute } from "./create-call-route.ts";
import { restRoute, type RestContext, type RestHandler } from "./rest-request.ts";
import { pageEnvelope, sendRestError } from "./rest-reply.ts";

const BASE = "/2010-04-01/Accounts/:accountSid";
const MAX_FORM_BYTES = 64 * 1024;

export interface RestOptions {
  readonly run: () => SimulatorRun;
  readonly seed: number;
  readonly log: SimulatorLog;
  readonly isStrict: boolean;
}

export function addRestRoutes(app: FastifyInstance, options: RestOptions): void {
  const counts = new Map<string, number>();
  const dice = openDice(options.seed, "rest faults");
  const route = (method: "GET" | "POST" | "DELETE", url: string, handle: RestHandler) => {
    app.route({
      method,
      url: BASE + url,
      bodyLimit: MAX_FORM_BYTES,
      handler: restRoute(options.run, counts, handle),
    });
  };
  const create = createCallRoute(options.seed, options.log, options.isStrict);
  route("POST", "/Calls.json", create);
  route("GET", "/Calls.json", (context) =>
    dice.chance(context.run.faults.list.fail.probability)
      ? sendRestError(context.reply, restError(20500))
      : sendCallList(context),
  );
  route("GET", "/Calls/:callFile", (context) =>
    dice.chance(context.run.faults.fetch.fail.probability)
      ? sendRestError(context.reply, restError(20500))
      : withCall(context, (call) => context.reply.send(formatCall(call))),
  );
  route("POST", "/Calls/:callFile", (context) =>
    dice.chance(context.run.faults.update.fail.probability)
      ? sendRestError(context.reply, restError(20500))
      : withCall(context, (call) => updateCall(context, call)),
  );
  route("DELETE", "/Calls/:callFile", (context) =>
    withCall(context, (call) => deleteCall(context, call)),
  );
  route("GET", "/Calls/:callFile/Notifications.json", (context) =>
    withCall(context, (call) => sendNotifications(context, call)),
  );
  route("GET", "/IncomingPhoneNumbers.json", (context) =>
    sendNumbers(context, context.account.numbers, "incoming_phone_numbers", "IncomingPhoneNumbers"),
  );
  route("GET", "/OutgoingCallerIds.json", (context) =>
    sendNumbers(
      context,
      context.account.verifiedCallerIds,
      "outgoing_caller_ids",
      "OutgoingCallerIds",
    ),
  );
  route("GET", "/Balance.json", ({ reply, account }) =>
    reply.send({ account_sid: account.sid, balance: "100.00", currency: "USD" }),
  );
  app.get("/2010-04-01/Accounts/:accountFile", restRoute(options.run, counts, sendAccount));
}

function sendAccount({ reply, account, params }: RestContext): FastifyReply {
  if (params["accountFile"] !== `${account.sid}.json`)
    return sendRestError(reply, restError(20404));
  return reply.send({
    sid: account.sid,
    friendly_name: "Simulated account",
    status: account.status,
    type: account.type,
    auth_token: account.authToken,
    owner_account_sid: account.sid,
    date_created: "Thu, 01 Jan 2026 00:00:00 +0000",
    date_updated: "Thu, 01 Jan 2026 00:00:00 +0000",
    uri: `/2010-04-01/Accounts/${account.sid}.json`,
    subresource_uris: {},
  });
}

function withCall(
  { run, account, params, reply }: RestContext,
  handle: (call: Call) => FastifyReply,
): FastifyReply {
  const sid = (params["callFile"] ?? "").replace(/\.json$/, "");
  const call = run.books.findCall(sid);
  if (call === null || call.accountSid !== account.sid)
    return sendRestError(reply, restError(20404));
  return handle(call);
}

function sendCallList({ run, account, query, reply }: RestContext): FastifyReply {
  const page = listCalls(run.books, query, {
    accountSid: account.sid,
    now: run.pace.now(),
    isUnordered: run.faults.list.unordered,
  });
  if (page.kind === "error") return sendRestError(reply, page);
  const last = page.calls.at(-1);
  return reply.send({
    ...pageEnvelope({
      path: `/2010-04-01/Accounts/${account.sid}/Calls.json`,
      query,
      page: page.page,
      pageSize: page.pageSize,
      start: page.start,
      count: page.calls.length,
      nextToken: page.hasMore && last !== undefined ? `PA${last.sid}` : null,
    }),
    calls: page.calls.map(formatCall),
  });
}

function updateCall({ run, form, reply }: RestContext, call: Call): FastifyReply {
  const status = form.get("Status");
  if (status === "canceled") {
    return run.carrier.cancel(call)
      ? reply.send(formatCall(call))
      : sendRestError(reply, restError(21220));
  }
  if (status === "completed") {
    const ended = run.carrier.hangUp(call, "hung up through the API");
    return ended ? reply.send(formatCall(call)) : sendRestError(reply, restError(21220));
  }
  if (status !== null && status !== "")
    return sendRestError(reply, restError(20001, `Status "${status}"`));
  const script = parseScript(form);
  if (script.kind === "error") return sendRestError(reply, script);
  const live = run.liveCall(call);
  if (live === null) return sendRestError(reply, restError(21220));
  live.run(script);
  return reply.send(formatCall(call));
}

function deleteCall({ run, reply }: RestContext, call: Call): FastifyReply {
  if (!isEnded(call))
    return sendRestError(reply, restError(20001, "the call is still in progress"));
  run.books.removeCall(call);
  return reply.code(204).send();
}

function sendNotifications({ account, query, reply }: RestContext, call: Call): FastifyReply {
  const path = `/2010-04-01/Accounts/${account.sid}/Calls/${call.sid}/Notifications.json`;
  const notifications = call.notifications.map((notification) =>
    formatNotification(call, notification),
  );
  return reply.send({ ...wholePage(path, query, notifications.length), notifications });
}

function sendNumbers(
  { account, query, reply }: RestContext,
  numbers: readonly OwnedNumber[],
  name: string,
  resource: string,
): FastifyReply {
  const wanted = query.get("PhoneNumber");
  const found = numbers.filter((number) => wanted === null || matchesPattern(number.phone, wanted));
  const path = `/2010-04-01/Accounts/${account.sid}/${resource}`;
  return reply.send({
    ...wholePage(`${path}.json`, query, found.length),
    [name]: found.map((number) => ({
      sid: number.sid,
      account_sid: account.sid,
      friendly_name: number.phone,
      phone_number: number.phone,
      capabilities: { voice: number.canCall, sms: false, mms: false, fax: false },
      status: "in-use",
      date_created: "Thu, 01 Jan 2026 00:00:00 +0000",
      date_updated: "Thu, 01 Jan 2026 00:00:00 +0000",
      uri: `${path}/${number.sid}.json`,
    })),
  });
}

/** A `*` stands for any digits, and a part matches anywhere, as the carrier's own search does. */
function matchesPattern(phone: string, pattern: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[^0-9+]/g, ""));
  let from = 0;
  for (const part of parts) {
    const at = phone.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return true;
}

function wholePage(path: string, query: URLSearchParams, count: number): Record<string, unknown> {
  return pageEnvelope({ path, query, page: 0, pageSize: 50, start: 0, count, nextToken: null });
}
