// POST Calls.json: the one request that is not idempotent, with every fault that may strike it.
// Arrival is written into the books first, so that they also hold what was refused or never
// answered.

import type { FastifyReply } from "fastify";
import type { Call } from "../carrier-model/call.ts";
import type { CreateRecord } from "../carrier-model/call-books.ts";
import { parseCreateCallRequest } from "../carrier-model/create-call-request.ts";
import { createForeignCall } from "../carrier-model/foreign-calls.ts";
import { restError, type RestError } from "../carrier-model/rest-error.ts";
import { CREATE_FAULTS, type CreateFault, type Faults } from "../control/faults.ts";
import { openDice, type Dice } from "../dice.ts";
import type { SimulatorLog } from "../simulator-log.ts";
import { formatCall } from "./call-json.ts";
import type { RestContext, RestHandler } from "./rest-request.ts";
import { sendRestError } from "./rest-reply.ts";

/** A record that is being filled in while the request is answered. */
type CreateRecordDraft = { -readonly [K in keyof CreateRecord]: CreateRecord[K] };

/** `seed` opens the faults' own dice. */
export function createCallRoute(seed: number, log: SimulatorLog, isStrict: boolean): RestHandler {
  const dice = openDice(seed, "create faults");
  return async (context) => {
    const { run, account, form, reply } = context;
    const record: CreateRecordDraft = {
      arrivedAt: run.pace.now(),
      accountSid: account.sid,
      to: form.get("To") ?? "",
      from: form.get("From") ?? "",
      callSid: null,
      answerStatus: null,
      errorCode: null,
      fault: null,
    };
    run.books.addCreate(record);
    const fault = drawFault(dice, run.faults);
    const slow = run.faults.create.slow;
    const slowMs = dice.chance(slow.probability) ? dice.between(slow.min_ms, slow.max_ms) : 0;
    record.fault = fault ?? (slowMs > 0 ? "slow" : null);
    const before = refusalOf(fault, run.faults);
    if (before !== null) return answer(record, reply, before);
    if (fault === "hang_before_accept") return hang(reply);
    const outcome = accept(context, log, isStrict);
    if (outcome.kind === "error") return answer(record, reply, outcome);
    record.callSid = outcome.call.sid;
    addForeignCall(context, outcome.call, dice);
    if (fault === "error_after_accept") return answer(record, reply, restError(20500));
    if (fault === "hang_after_accept") return hang(reply);
    if (fault === "reset_after_accept") {
      reply.raw.destroy();
      return reply.hijack();
    }
    const json = formatCall(outcome.call);
    if (slowMs > 0) await waited(context, slowMs);
    record.answerStatus = 201;
    return reply.code(201).send(json);
  };
}

function accept(
  { run, account, form }: RestContext,
  log: SimulatorLog,
  isStrict: boolean,
): { readonly kind: "accepted"; readonly call: Call } | RestError {
  if (account.status !== "active") return restError(account.status === "suspended" ? 20003 : 20005);
  const request = parseCreateCallRequest(form);
  if ("kind" in request) return request;
  if (request.eventsWereJoined) {
    log.warn(
      { to: "StatusCallbackEvent" },
      "status events came joined in one value; repeat the field instead",
    );
    if (isStrict) return restError(20001, "StatusCallbackEvent must be repeated");
  }
  const call = run.carrier.create(account, request);
  return "kind" in call ? call : { kind: "accepted", call };
}

function drawFault(dice: Dice, faults: Faults): CreateFault | null {
  // Every fault is drawn each time, so that changing one probability leaves the others' dice alone.
  const struck = CREATE_FAULTS.filter((name) => dice.chance(faults.create[name].probability));
  return struck[0] ?? null;
}

function refusalOf(fault: CreateFault | null, faults: Faults): RestError | null {
  if (fault === "refuse") return restError(faults.create.refuse.code, "refused on purpose");
  if (fault === "too_many_requests") return restError(20429);
  return fault === "error_before_accept" ? restError(20500) : null;
}

function answer(record: CreateRecordDraft, reply: FastifyReply, error: RestError): FastifyReply {
  record.answerStatus = error.status;
  record.errorCode = error.code;
  return sendRestError(reply, error);
}

/** Never answers; the connection stays open until the caller gives up. */
function hang(reply: FastifyReply): FastifyReply {
  return reply.hijack();
}

function addForeignCall({ run }: RestContext, call: Call, dice: Dice): void {
  const { probability, near_probability } = run.faults.list.foreign;
  const isForeign = dice.chance(probability);
  const isNear = dice.chance(near_probability);
  if (isForeign) run.books.addCall(createForeignCall(call, isNear, dice));
}

function waited({ run }: RestContext, ms: number): Promise<void> {
  return new Promise((resolve) => {
    run.pace.after(ms, resolve);
  });
}
