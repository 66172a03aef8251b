// Newline-delimited JSON: one recipient object a line. Blank lines are passed over, and the last
// line needs no end.

import { AppError } from "../domain/app-error.ts";
import { listFault, type ListEntry } from "./list-entry.ts";

// A prompt override and variables at their limits take some 60 KB as escaped JSON.
const MAX_LINE_LENGTH = 256 * 1024;

/** @throws AppError `invalid_json` or `invalid_request`, naming the line. */
export function* readNdjson(texts: Iterable<string>): Generator<ListEntry> {
  let line = 0;
  let rest = "";
  for (const text of texts) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const content of lines) {
      line += 1;
      if (content.trim() !== "") yield { value: parseLine(content, line), line };
    }
    if (rest.length > MAX_LINE_LENGTH) throw tooLong(line + 1);
  }
  if (rest.trim() !== "") yield { value: parseLine(rest, line + 1), line: line + 1 };
}

function parseLine(content: string, line: number): unknown {
  if (content.length > MAX_LINE_LENGTH) throw tooLong(line);
  try {
    return JSON.parse(content);
  } catch (cause) {
    // The parser's own message quotes the line, which holds personal data.
    const hint = content.trimStart().startsWith("[") ? "; send an array as application/json" : "";
    throw new AppError("invalid_json", {
      message: `Line ${line} is not valid JSON${hint}.`,
      details: { field: "body", line },
      cause,
    });
  }
}

function tooLong(line: number): AppError {
  return listFault(line, `is longer than ${MAX_LINE_LENGTH} characters: one recipient a line`);
}
