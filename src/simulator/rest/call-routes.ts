// Calls after their creation: fetched, listed, changed, deleted, and what went wrong with them.

import type { FastifyInstance, FastifyReply } from "fastify";
import { isEnded, type Call } from "../carrier-model/call.ts";
import { listCalls } from "../carrier-model/call-list.ts";
import { parseScript } from "../carrier-model/create-call-request.ts";
import { restError } from "../carrier-model/rest-error.ts";
import type { Dice } from "../dice.ts";
import { formatCall, formatNotification } from "./call-json.ts";
import type { RequestDesk, RestContext, RestHandler } from "./rest-request.ts";
import { pageEnvelope, sendRestError } from "./rest-reply.ts";

/** `dice` decides about the faults of these routes. */
export function addCallRoutes(scope: FastifyInstance, desk: RequestDesk, dice: Dice): void {
  const mayFail = (kind: "list" | "fetch" | "update", handle: RestHandler) =>
    desk.guard((context) =>
      dice.chance(context.run.faults[kind].fail.probability)
        ? sendRestError(context.reply, restError(20500))
        : handle(context),
    );
  const call = "/:accountSid/Calls/:callSid";
  scope.get("/:accountSid/Calls.json", mayFail("list", sendCallList));
  scope.get(
    `${call}.json`,
    mayFail("fetch", (context) =>
      withCall(context, (found) => context.reply.send(formatCall(found))),
    ),
  );
  scope.post(
    `${call}.json`,
    mayFail("update", (context) => withCall(context, (found) => updateCall(context, found))),
  );
  scope.delete(
    `${call}.json`,
    desk.guard((context) => withCall(context, (found) => deleteCall(context, found))),
  );
  scope.get(
    `${call}/Notifications.json`,
    desk.guard((context) => withCall(context, (found) => sendNotifications(context, found))),
  );
}

function withCall(
  { run, account, params, reply }: RestContext,
  handle: (call: Call) => FastifyReply,
): FastifyReply {
  const call = run.books.findCall(params["callSid"] ?? "");
  if (call === null || call.isDeleted || call.accountSid !== account.sid) {
    return sendRestError(reply, restError(20404));
  }
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

/** Ends the call (`Status`), or gives an answered one another script (`Url`, `Twiml`). */
function updateCall({ run, form, reply }: RestContext, call: Call): FastifyReply {
  const status = form.get("Status") ?? "";
  if (status !== "") {
    const end = {
      canceled: () => run.carrier.cancel(call),
      completed: () => run.carrier.hangUp(call, "hung up through the API"),
    }[status];
    if (end === undefined) return sendRestError(reply, restError(20001, `Status "${status}"`));
    return end() ? reply.send(formatCall(call)) : sendRestError(reply, restError(21220));
  }
  const script = parseScript(form);
  if (script.kind === "error") return sendRestError(reply, script);
  const live = run.liveCall(call);
  if (live === null) return sendRestError(reply, restError(21220));
  live.run(script);
  return reply.send(formatCall(call));
}

function deleteCall({ run, reply }: RestContext, call: Call): FastifyReply {
  if (!isEnded(call)) {
    return sendRestError(reply, restError(20001, "the call is still in progress"));
  }
  call.isDeleted = true;
  run.books.keepStep(call);
  return reply.code(204).send();
}

function sendNotifications({ account, query, reply }: RestContext, call: Call): FastifyReply {
  const { notifications } = call;
  const envelope = pageEnvelope({
    path: `/2010-04-01/Accounts/${account.sid}/Calls/${call.sid}/Notifications.json`,
    query,
    page: 0,
    pageSize: 50,
    start: 0,
    count: notifications.length,
    nextToken: null,
  });
  return reply.send({
    ...envelope,
    notifications: notifications.map((notification) => formatNotification(call, notification)),
  });
}
