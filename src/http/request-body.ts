// JSON bodies, from bytes to a value that is safe to store. Everything that PostgreSQL or a later
// reader would choke on is refused here once, naming the field: invalid UTF-8, invalid JSON, NUL
// characters, half surrogates, depth.

import { AppError } from "../domain/app-error.ts";
import { displayable, textFault } from "../domain/plain-text.ts";

/**
 * No field of the contract nests deeper than five levels; recursion over ten thousand would end the
 * process.
 */
const MAX_DEPTH = 16;

/**
 * Bytes to JSON value. An empty body is undefined (contract B.2.9). @throws AppError
 * `invalid_json`.
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  const text = decodeUtf8(bytes);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the body around the fault, so only what it says about the place
    // is passed on.
    const place = /position \d+( \(line \d+ column \d+\))?/.exec(String(cause))?.[0];
    throw new AppError("invalid_json", {
      message: `The body is not valid JSON${place === undefined ? "" : ` at ${place}`}.`,
      cause,
    });
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError("invalid_json", { message: "The body is not valid UTF-8.", cause });
  }
}

/** @throws AppError `invalid_request` for the first text, name or depth that cannot be taken. */
export function refuseUnsafeValues(value: unknown, field = ""): void {
  visit(value, field, 0);
}

function visit(value: unknown, field: string, depth: number): void {
  if (typeof value === "string") {
    const fault = textFault(value);
    if (fault !== null) throw refusal(field, fault);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if (depth >= MAX_DEPTH) throw refusal(field, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      visit(item, `${field}[${index}]`, depth + 1);
    });
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    const path = field === "" ? name : `${field}.${name}`;
    const fault = name === "__proto__" ? "is not a usable name" : textFault(name);
    if (fault !== null) throw refusal(path, fault);
    visit(item, path, depth + 1);
  }
}

function refusal(field: string, fault: string): AppError {
  const shown = displayable(field, 200);
  return new AppError("invalid_request", {
    message: `${shown === "" ? "The body" : shown} ${fault}.`,
    details: { field: shown },
  });
}
