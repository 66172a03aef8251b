// One entry of a list of recipients, whatever the form it came in, and how text arrives: as UTF-8,
// checked while it streams.

import { AppError } from "../domain/app-error.ts";

export interface ListEntry {
  /** As an entry of `recipients` in a JSON body. */
  readonly value: unknown;
  /** Where it starts in the body, from 1; null in a JSON body, where lines mean nothing. */
  readonly line: number | null;
}

/** A list that cannot be read on from here. */
export function listFault(line: number, fault: string): AppError {
  return new AppError("invalid_request", {
    message: `Line ${line} ${fault}.`,
    details: { field: "body", line },
  });
}

/**
 * Text of UTF-8 bytes, without a byte order mark.
 * @throws AppError `invalid_request` naming the encoding that spreadsheets use instead.
 */
export function* decodeText(chunks: Iterable<Uint8Array>): Generator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  let isFirst = true;
  for (const chunk of chunks) {
    if (isFirst && isUtf16(chunk)) throw wrongEncoding(1, "UTF-16");
    isFirst = false;
    const text = decode(decoder, chunk, line);
    line += countLines(text);
    yield text;
  }
  decode(decoder, null, line);
}

function decode(decoder: TextDecoder, chunk: Uint8Array | null, line: number): string {
  try {
    return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    const before = chunk === null ? 0 : countLines(new TextDecoder().decode(soundPart(chunk)));
    throw wrongEncoding(line + before, null);
  }
}

/** The bytes before the first that is no UTF-8, found by halving. */
function soundPart(chunk: Uint8Array): Uint8Array {
  let sound = 0;
  let faulty = chunk.length;
  while (faulty - sound > 1) {
    const middle = (sound + faulty) >> 1;
    if (isSound(chunk.subarray(0, middle))) sound = middle;
    else faulty = middle;
  }
  return chunk.subarray(0, sound);
}

// The first bytes may end a character that the chunk before began.
function isSound(bytes: Uint8Array): boolean {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(start), { stream: true });
    return true;
  } catch {
    return false;
  }
}

function isUtf16(chunk: Uint8Array): boolean {
  const [first, second] = chunk;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

function wrongEncoding(line: number, encoding: string | null): AppError {
  const found = encoding === null ? "holds bytes that are not UTF-8" : `is ${encoding}, not UTF-8`;
  return listFault(line, `${found}; save the list as UTF-8 (in a spreadsheet: "CSV UTF-8")`);
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
