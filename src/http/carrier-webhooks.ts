// The carrier's side of the server: callbacks about our calls. Refused before their body is read
// when they cannot be ours, and before the database is asked when no token of ours signed them;
// answered after their commit: an error of ours is a 5xx, which the carrier was told to send again
// (see callback-addresses.ts).

import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import {
  addressOfPath,
  CALLBACK_ROUTES,
  parseDialReference,
  type DialReference,
} from "../carrier/twilio/callback-addresses.ts";
import { isSignatureShaped, isSignedBy, type SignedRequest } from "../carrier/twilio/signature.ts";
import {
  fieldOf,
  HANG_UP_TWIML,
  lastWordsTwiml,
  parseConnectEnd,
  parseForm,
  parseMachineCallback,
  parseRecordingCallback,
  parseStatusCallback,
  parseTransferEnd,
  transferTwiml,
  type ConnectEnd,
  type FormFields,
  type RecordingNews,
  type TransferEnd,
} from "../carrier/twilio/webhooks.ts";
import type { CarrierEvent } from "../domain/carrier-event.ts";
import type { Clock } from "../ports/clock.ts";
import type { Transfer } from "../store/transfers.ts";
import type { ScreenSignature } from "./signature-screen.ts";

/** A callback has some fifty short fields; real ones are below 3 KiB. */
export const MAX_CALLBACK_BYTES = 16 * 1024;

export interface CallbackTokens {
  readonly carrierAccountId: string;
  /** Every token that may have signed, in clear. */
  readonly tokens: readonly string[];
}

export interface CarrierWebhookDependencies {
  readonly publicUrl: string;
  readonly clock: Clock;
  /** Whether any account of this installation signed it. */
  readonly screen: ScreenSignature;
  /** null: no such call. */
  tokensOfCall(callId: string): Promise<CallbackTokens | null>;
  /** Resolves when the event is committed. */
  addEvent(event: CarrierEvent): Promise<void>;
  /**
   * A conversation's socket is over, and how the carrier saw it end. Answers whom the call is
   * handed over to; null: it is over.
   */
  recordConnectEnd(dial: DialReference, end: ConnectEnd): Promise<Transfer | null>;
  /** Answers what the person, who is still there, hears last; null: nothing. Idempotent. */
  recordTransferEnd(
    dial: DialReference,
    end: TransferEnd,
  ): Promise<{ readonly language: string; readonly text: string } | null>;
  /** Resolves when it is committed. Idempotent. */
  recordRecording(dial: DialReference, news: RecordingNews): Promise<void>;
}

type Handle = (
  fields: FormFields,
  dial: DialReference,
  reply: FastifyReply,
) => Promise<FastifyReply>;

/** The routes of CALLBACK_ROUTES but the socket. */
export function carrierWebhooks(deps: CarrierWebhookDependencies): FastifyPluginAsync {
  return (app: FastifyInstance) => {
    app.addHook("onRequest", refuseUnread);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      "*",
      { parseAs: "string", bodyLimit: MAX_CALLBACK_BYTES },
      (_request, body, done) => {
        done(null, body);
      },
    );
    addRoute(app, deps, CALLBACK_ROUTES.status, async (fields, dial, reply) => {
      const event = parseStatusCallback(fields, dial, deps.clock.now());
      if (event !== null) await deps.addEvent(event);
      return reply.code(204).send();
    });
    addRoute(app, deps, CALLBACK_ROUTES.amd, async (fields, dial, reply) => {
      const event = parseMachineCallback(fields, dial, deps.clock.now());
      if (event !== null) await deps.addEvent(event);
      return reply.code(204).send();
    });
    addRoute(app, deps, CALLBACK_ROUTES.connectAction, async (fields, dial, reply) => {
      const transfer = await deps.recordConnectEnd(dial, parseConnectEnd(fields));
      // Also when our socket dropped and the call lives on: nobody is left to talk.
      const next =
        transfer === null ? HANG_UP_TWIML : transferTwiml(deps.publicUrl, dial, transfer);
      return reply.code(200).type("text/xml").send(next);
    });
    addRoute(app, deps, CALLBACK_ROUTES.transferAction, async (fields, dial, reply) => {
      const line = await deps.recordTransferEnd(dial, parseTransferEnd(fields));
      const next = line === null ? HANG_UP_TWIML : lastWordsTwiml(line);
      return reply.code(200).type("text/xml").send(next);
    });
    addRoute(app, deps, CALLBACK_ROUTES.recording, async (fields, dial, reply) => {
      const news = parseRecordingCallback(fields);
      if (news !== null) await deps.recordRecording(dial, news);
      return reply.code(204).send();
    });
    return Promise.resolve();
  };
}

// What its address or its signature's form gives away. The connection goes, and its body with it.
async function refuseUnread(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const status = dialOf(request) === null ? 404 : isSignatureShaped(headerOf(request)) ? null : 403;
  if (status !== null) await reply.code(status).header("connection", "close").send();
}

function addRoute(
  app: FastifyInstance,
  deps: CarrierWebhookDependencies,
  url: string,
  handle: Handle,
): void {
  app.post(url, { schema: { hide: true } }, async (request, reply) => {
    const dial = dialOf(request);
    if (dial === null) return reply.code(404).send();
    const fields = parseForm(typeof request.body === "string" ? request.body : "");
    const signed: SignedRequest = {
      address: addressOfPath(deps.publicUrl, "request", request.raw.url ?? ""),
      signature: headerOf(request),
      parameters: fields,
    };
    const isOurs = await deps.screen(signed);
    const account = isOurs ? await deps.tokensOfCall(dial.callId) : null;
    if (isOurs && account === null) return reply.code(404).send();
    if (
      account === null ||
      !isSignedBy(signed, account.tokens) ||
      fieldOf(fields, "AccountSid") !== account.carrierAccountId
    ) {
      request.log.warn(
        { callId: dial.callId, route: url },
        "a carrier callback was refused: its signature is wrong",
      );
      return reply.code(403).send();
    }
    return handle(fields, dial, reply);
  });
}

function dialOf(request: FastifyRequest): DialReference | null {
  const { callId, dialNumber } = request.params as {
    readonly callId: string;
    readonly dialNumber: string;
  };
  return parseDialReference(callId, dialNumber);
}

function headerOf(request: FastifyRequest): string | undefined {
  const header = request.headers["x-twilio-signature"];
  return Array.isArray(header) ? header[0] : header;
}
