// The table of how phones are answered (examples/voicemail/openings.tsv): language, class, words.

import { readFileSync } from "node:fs";

export type OpeningKind =
  | "human"
  | "machine-vm"
  | "machine-unavailable"
  | "machine-ivr"
  | "screening";

export interface Opening {
  readonly language: string;
  readonly kind: OpeningKind;
  readonly words: string;
}

export function readOpenings(): readonly Opening[] {
  const table = readFileSync(
    new URL("../../examples/voicemail/openings.tsv", import.meta.url),
    "utf8",
  );
  return table
    .trim()
    .split("\n")
    .map((line) => {
      const [language = "", kind = "", words = ""] = line.split("\t");
      return { language, kind: kind as OpeningKind, words };
    });
}
