// What every REST request goes through before its own handler: its instant of arrival, credentials,
// the account's state, the limit on requests at once, and the carrier's headers on the answer.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
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

interface Arrival {
  readonly at: number;
  /** Requests of these credentials under way, this one included. */
  readonly concurrent: number;
}

/** Knows when each request of a scope arrived, and how many there were at once. */
export class RequestDesk {
  readonly #run: () => SimulatorRun;
  readonly #arrivals = new WeakMap<FastifyRequest, Arrival>();
  readonly #underWay = new Map<string, number>();

  /** Adds its hooks to the scope, which must hold REST routes only. */
  constructor(scope: FastifyInstance, run: () => SimulatorRun) {
    this.#run = run;
    scope.addHook("onRequest", (request, reply, done) => {
      const at = run().pace.now();
      this.#arrivals.set(request, { at, concurrent: this.#enter(request, reply) });
      done();
    });
    scope.addHook("onSend", (request, reply, payload, done) => {
      const { at, concurrent } = this.arrivalOf(request);
      void reply
        .header("twilio-request-id", `RQ${openDice(at, request.id).hex(32)}`)
        .header("twilio-concurrent-requests", String(concurrent))
        .header("twilio-request-duration", ((run().pace.now() - at) / 1000).toFixed(3));
      done(null, payload);
    });
  }

  arrivalOf(request: FastifyRequest): Arrival {
    return this.#arrivals.get(request) ?? { at: this.#run().pace.now(), concurrent: 1 };
  }

  /**
   * Wraps a handler with authentication. `admitsSuspended`: also answers accounts that are
   * suspended or closed, whose credentials open nothing else.
   */
  guard(handle: RestHandler, admitsSuspended = false) {
    return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const run = this.#run();
      const params = request.params as Readonly<Record<string, string>>;
      const account = run.accounts.authenticate(request.headers.authorization);
      if (account === null) return sendRestError(reply, restError(20003));
      const { concurrent } = this.arrivalOf(request);
      const refusal = refuse(account, params["accountSid"], concurrent, admitsSuspended);
      if (refusal !== null) return sendRestError(reply, refusal);
      return handle({
        run,
        account,
        reply,
        params,
        query: queryOf(request),
        form: formOf(request),
      });
    };
  }

  #enter(request: FastifyRequest, reply: FastifyReply): number {
    const key = request.headers.authorization ?? "";
    const concurrent = (this.#underWay.get(key) ?? 0) + 1;
    this.#underWay.set(key, concurrent);
    reply.raw.once("close", () => {
      const left = (this.#underWay.get(key) ?? 1) - 1;
      // Whoever guesses credentials must not grow the map.
      if (left > 0) this.#underWay.set(key, left);
      else this.#underWay.delete(key);
    });
    return concurrent;
  }
}

/** The form of a request's body; empty when there is none. */
export function formOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(typeof request.body === "string" ? request.body : "");
}

function queryOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.raw.url?.split("?")[1] ?? "");
}

function refuse(
  account: Account,
  asked: string | undefined,
  concurrent: number,
  admitsSuspended: boolean,
): RestError | null {
  if (asked !== account.sid) return restError(20404);
  if (account.status !== "active" && !admitsSuspended) return restError(20003);
  const limit = account.maxConcurrentRequests;
  return limit !== null && concurrent > limit ? restError(20429) : null;
}
