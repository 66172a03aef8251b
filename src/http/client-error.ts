// Requests so broken that they never become one: bad HTTP, headers too large, too slow. They get
// the envelope as well, on the bare socket.

import type { Socket } from "node:net";

import { AppError } from "../domain/app-error.ts";
import { presentError } from "./error-envelope.ts";

/** Answers and closes the connection. */
export function answerClientError(
  error: Error & { readonly code?: string },
  socket: Socket,
  publicUrl: string,
): void {
  // The other side is gone: there is nobody to answer.
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = describe(error.code);
  const refusal = new AppError("invalid_request", { message });
  const body = JSON.stringify(presentError(refusal, publicUrl));
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function describe(code: string | undefined): readonly [status: string, message: string] {
  switch (code ?? "") {
    case "HPE_HEADER_OVERFLOW":
      return ["431 Request Header Fields Too Large", "The request's headers are too large."];
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return ["408 Request Timeout", "The request did not arrive in time."];
    default:
      return ["400 Bad Request", "This is not an HTTP request that can be understood."];
  }
}
