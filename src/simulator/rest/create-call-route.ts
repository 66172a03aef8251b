// POST Calls.json: the one request that is not idempotent, with every fault that may strike it. Its
// arrival is written into the books before anything else, so that they also hold what was refused
// or never answered.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Call } from "../carrier-model/call.ts";
import type { CreateRecord } from "../carrier-model/create-record.ts";
import { parseCreateCallRequest } from "../carrier-model/create-call-request.ts";
import { createForeignCall } from "../carrier-model/foreign-calls.ts";
import { restError, type RestError } from "../carrier-model/rest-error.ts";
import { CREATE_FAULTS, type CreateFault, type Faults } from "../control/faults.ts";
import { openDice, type Dice } from "../dice.ts";
import type { SimulatorLog } from "../simulator-log.ts";
import type { SimulatorRun } from "../simulator-run.ts";
import { formatCall } from "./call-json.ts";
import { formOf, type RequestDesk, type RestContext } from "./rest-request.ts";
import { sendRestError } from "./rest-reply.ts";

export interface CreateCallOptions {
  readonly run: () => SimulatorRun;
  /** Opens the faults' own dice. */
  readonly seed: number;
  readonly log: SimulatorLog;
  readonly isStrict: boolean;
}

export function addCreateCallRoute(
  scope: FastifyInstance,
  desk: RequestDesk,
  options: CreateCallOptions,
): void {
  const records = new WeakMap<FastifyReply, CreateRecord>();
  const dice = openDice(options.seed, "create faults");
  scope.route({
    method: "POST",
    url: "/:accountSid/Calls.json",
    preHandler: (request, reply, done) => {
      const record = openRecord(request, desk.arrivalOf(request).at);
      records.set(reply, record);
      options.run().books.addCreate(record);
      done();
    },
    onSend: (_request, reply, payload, done) => {
      const record = records.get(reply);
      const code = reply.getHeader("x-twilio-error-code");
      if (record !== undefined) {
        record.answerStatus = reply.statusCode;
        record.errorCode = code === undefined ? null : Number(code);
        options.run().books.keepCreate(record);
      }
      done(null, payload);
    },
    handler: desk.guard((context) => {
      const record = records.get(context.reply);
      if (record === undefined) throw new Error("a create request has no record");
      return createCall(context, record, dice, options);
    }),
  });
}

function openRecord(request: FastifyRequest, arrivedAt: number): CreateRecord {
  const form = formOf(request);
  return {
    arrivedAt,
    accountSid: (request.params as { readonly accountSid: string }).accountSid,
    to: form.get("To") ?? "",
    from: form.get("From") ?? "",
    callSid: null,
    answerStatus: null,
    errorCode: null,
    fault: null,
  };
}

async function createCall(
  context: RestContext,
  record: CreateRecord,
  dice: Dice,
  options: CreateCallOptions,
): Promise<FastifyReply> {
  const { run, reply } = context;
  const fault = drawFault(dice, run.faults);
  const { slow } = run.faults.create;
  const slowMs = dice.chance(slow.probability) ? dice.between(slow.min_ms, slow.max_ms) : 0;
  record.fault = fault ?? (slowMs > 0 ? "slow" : null);
  const refusal = refusalOf(fault, run.faults);
  if (refusal !== null) return sendRestError(reply, refusal);
  // Never answers: the connection stays open until the caller gives up.
  if (fault === "hang_before_accept") return reply.hijack();
  const call = accept(context, options);
  if (call.kind === "error") return sendRestError(reply, call);
  record.callSid = call.call.sid;
  run.books.keepCreate(record);
  addForeignCall(run, call.call, dice);
  if (fault === "error_after_accept") return sendRestError(reply, restError(20500));
  if (fault === "hang_after_accept") return reply.hijack();
  if (fault === "reset_after_accept") {
    reply.raw.destroy();
    return reply.hijack();
  }
  // The answer shows the call as it was when it was accepted, however late it is.
  const json = formatCall(call.call);
  if (slowMs > 0) await passed(run, slowMs);
  return reply.code(201).send(json);
}

function accept(
  { run, account, form }: RestContext,
  { log, isStrict }: CreateCallOptions,
): { readonly kind: "accepted"; readonly call: Call } | RestError {
  const request = parseCreateCallRequest(form);
  if ("kind" in request) return request;
  if (request.eventsWereJoined) {
    log.warn({ field: "StatusCallbackEvent" }, "events came joined in one value; repeat the field");
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

function addForeignCall(run: SimulatorRun, call: Call, dice: Dice): void {
  const { probability, near_probability } = run.faults.list.foreign;
  const isForeign = dice.chance(probability);
  const isNear = dice.chance(near_probability);
  if (isForeign) run.books.addCall(createForeignCall(call, isNear, dice));
}

function passed(run: SimulatorRun, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  run.pace.after(ms, resolve);
  return promise;
}
