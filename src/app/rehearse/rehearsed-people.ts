// Who is rehearsed with: the recipients of a campaign's list, and for each the person who picks up.
// A column `persona` says who that is: one of the simulator's people, or `model:` and a character
// for a language model to play.

import { PERSONAS, type Persona } from "../../simulator/people/persona.ts";
import { parsePhone } from "../../domain/phone.ts";
import { parseVariables, type Variables } from "../../domain/variables.ts";
import { decodeText } from "../../http/list-entry.ts";
import { readCsv } from "../../http/csv-entries.ts";
import { readText } from "./read-yaml.ts";

export interface RehearsedPerson {
  readonly phone: string;
  readonly variables: Variables;
  /** The recipient's own prompt; null: the campaign's. */
  readonly promptOverride: string | null;
  /** As it was written. */
  readonly persona: string;
  readonly plays: Plays;
}

export type Plays =
  | { readonly kind: "scripted"; readonly persona: Persona }
  | { readonly kind: "model"; readonly character: string };

/** Two hundred talks are more than anybody reads. */
const MAX_PEOPLE = 200;
const DEFAULT_PEOPLE = ["terse", "talkative"];
const BY_MODEL = /^model:\s*(.+)$/is;

// Nobody talks on these lines.
const SILENT_LINES: ReadonlySet<string> = new Set([
  "fax",
  "no_answer",
  "busy",
  "rejected",
  "invalid_number",
  "carrier_failure",
]);
export const REHEARSED_PERSONAS = PERSONAS.filter((persona) => !SILENT_LINES.has(persona));

/**
 * @param people who picks up, in turn; null: as the list says
 * @throws Error naming the line and what is wrong with it
 */
export async function readPeople(
  file: string,
  people: readonly string[] | null,
): Promise<readonly RehearsedPerson[]> {
  const read: RehearsedPerson[] = [];
  const bytes = new TextEncoder().encode(readText(file));
  for await (const { value, line } of entriesOf(file, bytes)) {
    const fault = (message: string) => new Error(`${file}:${line ?? 1}: ${message}`);
    if (read.length >= MAX_PEOPLE) throw fault(`is person ${MAX_PEOPLE + 1}; that is too many`);
    const entry = value as Entry;
    const phone = parsePhone(entry.phone ?? "");
    if (phone.kind === "invalid") throw fault(`phone ${phone.reason}`);
    const { persona: own, ...rest } = entry.variables;
    const variables = parseVariables(rest);
    if (variables.kind === "invalid") throw fault(`${variables.path} ${variables.message}`);
    const inTurn = people ?? (own === undefined ? DEFAULT_PEOPLE : [own]);
    const persona = inTurn[read.length % inTurn.length] ?? "terse";
    const plays = readPlays(persona);
    if (plays === null) throw fault(unknownPersona(persona));
    read.push({
      phone: phone.phone,
      variables: variables.variables,
      promptOverride: entry.prompt_override ?? null,
      persona,
      plays,
    });
  }
  if (read.length === 0) throw new Error(`${file} lists nobody`);
  return read;
}

/** The people named on a command line: personas by commas, or one character for a model. */
export function splitPeople(text: string): readonly string[] {
  const people = BY_MODEL.test(text) ? [text] : text.split(",").map((name) => name.trim());
  const unknown = people.find((persona) => readPlays(persona) === null);
  if (unknown !== undefined) throw new Error(unknownPersona(unknown));
  return people;
}

interface Entry {
  readonly phone?: string;
  readonly prompt_override?: string;
  readonly variables: Readonly<Record<string, string>>;
}

async function* entriesOf(file: string, bytes: Uint8Array) {
  try {
    yield* readCsv(decodeText([bytes]));
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

function readPlays(persona: string): Plays | null {
  const character = BY_MODEL.exec(persona)?.[1];
  if (character !== undefined) return { kind: "model", character };
  const scripted = REHEARSED_PERSONAS.find((each) => each === persona);
  return scripted === undefined ? null : { kind: "scripted", persona: scripted };
}

function unknownPersona(persona: string): string {
  const why = SILENT_LINES.has(persona) ? "nobody talks on such a line" : "there is no such person";
  return `persona ${JSON.stringify(persona)}: ${why}; choose ${REHEARSED_PERSONAS.join(", ")}, or "model: a character"`;
}
