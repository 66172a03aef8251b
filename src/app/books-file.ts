// The simulated carrier's books in a file that only grows. A line is handed to the operating system
// before its write returns, so it survives kill -9; a power cut may take the last ones.

import { openSync, readFileSync, writeSync } from "node:fs";
import type { BooksJournal } from "../simulator/carrier-model/books-journal.ts";

/** @throws Error when the file cannot be read or written */
export function openBooksFile(path: string): BooksJournal {
  const file = openSync(path, "a+", 0o600);
  const text = readFileSync(path, "utf8");
  // A torn last line must not swallow the next one.
  if (text !== "" && !text.endsWith("\n")) writeSync(file, "\n");
  return {
    lines: text.split("\n").filter((line) => line !== ""),
    write: (line) => {
      writeSync(file, `${line}\n`);
    },
  };
}
