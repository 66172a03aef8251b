// What every REST request goes through before its own handler: credentials, the account's state,
// the carrier's headers.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Account } from "../carrier-model/account.ts";
import { restError, type RestError } from "../carrier-model/rest-error.ts";
import { openDice } from "../dice.ts";
import type { SimulatorRun } from "../simulator-run.ts";
import { sendRestError } from "./rest-reply.ts";

export interface RestContext {
  readonly run: SimulatorRun;
  readonly account: Account;
  readonly reply: FastifyReply;
  readonly query: URLSearchParams;
  /** The form of a POST; empty otherwise. */
  readonly form: URLSearchParams;
  readonly params: Readonly<Record<string, string>>;
}

export type RestHandler = (context: RestContext) => FastifyReply | Promise<FastifyReply>;

/** Requests each account has under way, for the Twilio-Concurrent-Requests header and its limit. */
export type RequestCounts = Map<string, number>;

/** Wraps a handler with authentication and the carrier's headers. */
export function restRoute(run: () => SimulatorRun, counts: RequestCounts, handle: RestHandler) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const current = run();
    const startedAt = current.pace.now();
    const params = request.params as Readonly<Record<string, string>>;
    const account = current.accounts.authenticate(request.headers.authorization);
    const key = account?.sid ?? "";
    const concurrent = (counts.get(key) ?? 0) + 1;
    counts.set(key, concurrent);
    reply.raw.once("close", () => counts.set(key, (counts.get(key) ?? 1) - 1));
    void reply
      .header("twilio-request-id", `RQ${openDice(startedAt, request.id).hex(32)}`)
      .header("twilio-concurrent-requests", String(concurrent))
      .header("twilio-request-duration", ((current.pace.now() - startedAt) / 1000).toFixed(3));
    const refusal = refuse(account, params["accountSid"], concurrent);
    if (refusal !== null || account === null)
      return sendRestError(reply, refusal ?? restError(20003));
    return handle({
      run: current,
      account,
      reply,
      params,
      query: new URLSearchParams(request.raw.url?.split("?")[1] ?? ""),
      form: new URLSearchParams(typeof request.body === "string" ? request.body : ""),
    });
  };
}

function refuse(
  account: Account | null,
  asked: string | undefined,
  concurrent: number,
): RestError | null {
  if (account === null) return restError(20003);
  if (asked !== undefined && asked !== account.sid) return restError(20404);
  // A suspended account's credentials stop working for everything but looking at itself.
  if (account.maxConcurrentRequests !== null && concurrent > account.maxConcurrentRequests)
    return restError(20429);
  return null;
}
