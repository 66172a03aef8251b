// Every error that leaves the server, in the contract's envelope (B.2.3). One of the three places
// with a catch-all: what nobody expected becomes `server_error`, is logged with its request id, and
// tells the caller nothing of our insides.

import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { ZodError } from "zod";

import { AppError } from "../domain/app-error.ts";
import type { ErrorEnvelope, ErrorType } from "./contract/error.ts";
import { requestErrorOf } from "./request-errors.ts";

/** The envelope of one error. `doc_url` points at this server's own page. */
export function presentError(error: AppError, publicUrl: string): ErrorEnvelope {
  const retryAfter = error.retryAfterSeconds;
  return {
    error: {
      type: errorType(error.status),
      code: error.code,
      message: error.message,
      doc_url: `${publicUrl}/docs/errors#${error.code}`,
      details: retryAfter === null ? error.details : { ...error.details, retry_after: retryAfter },
    },
  };
}

/** Contract B.2.3: `type` follows the status. */
export function errorType(status: number): ErrorType {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_denied";
    case 404:
      return "not_found";
    case 409:
      return "conflict";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request";
  }
}

/** What a thrown thing means to the caller. */
export function appErrorOf(error: unknown, request: FastifyRequest): AppError {
  if (error instanceof AppError) return error;
  const part = (error as { validationContext?: string }).validationContext;
  if (error instanceof ZodError && part !== undefined) {
    return requestErrorOf(error, part, request.routeOptions.config.fieldCodes);
  }
  if (error instanceof Error && "code" in error && !hasZodFastifySchemaValidationErrors(error)) {
    return frameworkError(error as FastifyError);
  }
  return unexpected(error);
}

// Fastify's own refusals, by their codes.
function frameworkError(error: FastifyError): AppError {
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new AppError("body_too_large", {
        message: "The body is larger than this server accepts.",
      });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
    case "FST_ERR_CTP_EMPTY_TYPE":
      return new AppError("unsupported_media_type", {
        message: "Send the body as JSON, with the header Content-Type: application/json.",
      });
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new AppError("invalid_request", {
        message: "The body is not as long as its Content-Length header says.",
      });
    case "FST_ERR_BAD_URL":
    case "FST_ERR_INVALID_URL":
      return new AppError("invalid_request", { message: "The path holds a broken % escape." });
    case "FST_ERR_MAX_PARAM_LENGTH":
      return new AppError("not_found", { message: "A part of the path is longer than any id." });
    default:
      // Whatever else Fastify blames on the caller is the caller's.
      return (error.statusCode ?? 500) < 500
        ? new AppError("invalid_request", { message: "The request cannot be read." })
        : unexpected(error);
  }
}

function unexpected(cause: unknown): AppError {
  return new AppError("server_error", {
    message:
      "Something went wrong on the server. Its log holds the details under this request's id.",
    cause,
  });
}

/** Answers with an error: status, envelope, Retry-After; logs what is the server's own fault. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  publicUrl: string,
): FastifyReply {
  const appError = appErrorOf(error, request);
  if (appError.status >= 500) {
    request.log.error({ err: appError.cause ?? appError, code: appError.code }, "request failed");
  }
  if (appError.retryAfterSeconds !== null) {
    void reply.header("retry-after", String(appError.retryAfterSeconds));
  }
  return reply
    .code(appError.status)
    .header("content-type", "application/json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(presentError(appError, publicUrl));
}
