// Recipients as rows of PostgreSQL's COPY text format, in the column order of
// RECIPIENT_COPY_COLUMNS. Made off the main thread, sent to the database as bytes that nobody looks
// at again.

import type { Variables } from "../domain/variables.ts";

/** What all rows of one list share. */
export interface RowFrame {
  readonly campaignId: string;
  readonly keyId: string;
  /** ISO time: due from here on; an invalid row is settled then. */
  readonly createdAt: string;
}

// Few enough chunks to hand over quickly, small enough that a slow database never makes us hold a
// second copy.
const CHUNK_CHARACTERS = 256 * 1024;
const NULL = "\\N";

export interface RowWriter {
  addValid(row: {
    readonly rowIndex: number;
    readonly phone: string;
    readonly variables: Variables;
    readonly promptOverride: string | null;
    /** 0: the campaign's own window. */
    readonly zoneGroup: number;
  }): void;
  /** A skipped entry: kept as a settled row, so that nobody of the list is forgotten. */
  addInvalid(row: {
    readonly rowIndex: number;
    readonly phone: string;
    readonly reason: string;
  }): void;
  /** Gives out what is not yet given out. */
  finish(): void;
}

/** @param give gets the text in chunks that end with a row. */
export function createRowWriter(
  frame: RowFrame,
  give: (chunk: Uint8Array<ArrayBuffer>) => void,
): RowWriter {
  const encoder = new TextEncoder();
  let text = "";
  const add = (fields: readonly string[]): void => {
    text += `${frame.campaignId}\t${frame.keyId}\t${fields.join("\t")}\n`;
    if (text.length < CHUNK_CHARACTERS) return;
    give(encoder.encode(text));
    text = "";
  };
  return {
    addValid: ({ rowIndex, phone, variables, promptOverride, zoneGroup }) => {
      const override = promptOverride === null ? NULL : escapeCopy(promptOverride);
      const facts = escapeCopy(JSON.stringify(variables));
      add([
        String(rowIndex),
        phone,
        facts,
        override,
        frame.createdAt,
        "waiting",
        NULL,
        "t",
        "f",
        NULL,
        String(zoneGroup),
      ]);
    },
    addInvalid: ({ rowIndex, phone, reason }) => {
      const { createdAt } = frame;
      add([
        String(rowIndex),
        escapeCopy(phone),
        "{}",
        NULL,
        createdAt,
        "invalid",
        escapeCopy(reason),
        "f",
        "t",
        createdAt,
        "0",
      ]);
    },
    finish: () => {
      if (text !== "") give(encoder.encode(text));
      text = "";
    },
  };
}

/** Text of one field. Backslash, tab, line feed and carriage return are the format's own. */
export function escapeCopy(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};
