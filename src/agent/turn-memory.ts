// What was said on a call, in order, and what of it was heard. The model's history and the
// transcript are both read from here, so they cannot disagree. A line of the agent holds what the
// person heard, never what was only planned.

import type { Instant } from "../domain/instant.ts";
import type { ModelMessage } from "../ports/model.ts";
import {
  advancePlayed,
  beginsWith,
  decideHeardCharacters,
  goesOnWith,
  SPOKEN_CHARACTERS_PER_SECOND,
  spokenIn,
} from "./heard-text.ts";

/** One line as it is stored. */
export interface TranscriptLine {
  readonly role: "agent" | "callee";
  readonly text: string;
  readonly at: Instant;
  /** The agent was cut off here, or broke off. */
  readonly interrupted: boolean;
}

export interface CalleeLine {
  readonly role: "callee";
  readonly text: string;
  readonly at: Instant;
}

export interface AgentLine {
  readonly role: "agent";
  readonly turnId: number;
  /** What was sent and, as far as is known, heard or still to be heard. */
  readonly text: string;
  readonly at: Instant;
  readonly interrupted: boolean;
  /** When its audio starts and ends, by estimate. */
  readonly playsFrom: Instant;
  readonly playsUntil: Instant;
  /** How much of the text the speech path has reported as played. */
  readonly playedCharacters: number;
}

/** What the engine tells the model in the middle of a talk; nobody heard it. */
export interface NoteLine {
  readonly role: "note";
  readonly text: string;
  readonly at: Instant;
}

export type TurnMemory = readonly (CalleeLine | AgentLine | NoteLine)[];

/**
 * From a token's arrival at the carrier to its first sound: 250–480 ms in captures (twilio.md
 * §5.3).
 */
const PLAYBACK_LAG_MS = 350;

/**
 * A cut that is reported after the audio should have ended still counts for this long: the estimate
 * is rough.
 */
const LATE_CUT_MS = 5_000;

/** What the speech path says about the moment it was cut. */
export interface Cut {
  readonly heardText: string;
  readonly durationMs: number | null;
}

/** Adds what the person said. It joins their line when nothing was said to them in between. */
export function addCallee(memory: TurnMemory, text: string, at: Instant): TurnMemory {
  const last = memory.at(-1);
  if (last?.role !== "callee") return [...memory, { role: "callee", text, at }];
  return [...memory.slice(0, -1), { ...last, text: `${last.text} ${text}` }];
}

/** Adds a word of the engine to the model. */
export function addNote(memory: TurnMemory, text: string, at: Instant): TurnMemory {
  return [...memory, { role: "note", text, at }];
}

/** Adds a token that was just sent. */
export function addAgentToken(
  memory: TurnMemory,
  token: { readonly turnId: number; readonly text: string },
  at: Instant,
): TurnMemory {
  const heardFrom = Math.max(at + PLAYBACK_LAG_MS, playbackEndsAt(memory));
  const last = memory.at(-1);
  const continues = last?.role === "agent" && last.turnId === token.turnId;
  const line: AgentLine = continues
    ? { ...last, text: last.text + token.text }
    : {
        role: "agent",
        turnId: token.turnId,
        text: token.text,
        at,
        interrupted: false,
        playsFrom: heardFrom,
        playsUntil: heardFrom,
        playedCharacters: 0,
      };
  const durationMs = (token.text.length / SPOKEN_CHARACTERS_PER_SECOND) * 1000;
  const kept = continues ? memory.slice(0, -1) : memory;
  return [...kept, { ...line, playsUntil: heardFrom + durationMs }];
}

/** When the last of our audio has been played, by estimate; 0 when nothing was ever said. */
export function playbackEndsAt(memory: TurnMemory): Instant {
  return memory.findLast((line) => line.role === "agent")?.playsUntil ?? 0;
}

/** Whether everything that was sent is reported as played. */
export function isAllPlayed(memory: TurnMemory): boolean {
  const last = memory.findLast((line) => line.role === "agent");
  return last !== undefined && isPlayed(last);
}

/**
 * Notes a clause that the speech path reports as played: in the oldest line that goes on with just
 * these words, else in the oldest that may still be playing. A line that nobody reported on does
 * not take the words of a later one.
 */
export function notePlayed(memory: TurnMemory, clause: string, at: Instant): TurnMemory {
  const waiting = memory.flatMap((line, index) =>
    line.role === "agent" && !isOver(memory, line) ? [{ line, index }] : [],
  );
  const recent = waiting.filter(({ line }) => line.playsUntil > at - LATE_CUT_MS);
  const candidates = recent.length > 0 ? recent : waiting.slice(-1);
  const named = candidates.find(({ line }) => goesOnWith(line.text, line.playedCharacters, clause));
  const { line, index } = named ?? candidates[0] ?? {};
  if (line === undefined || index === undefined) return memory;
  const playedCharacters = advancePlayed(line.text, line.playedCharacters, clause);
  return memory.with(index, { ...line, playedCharacters });
}

/** Notes that nothing is being played any more. */
export function notePlaybackOver(memory: TurnMemory, at: Instant): TurnMemory {
  return memory.map((line) =>
    line.role === "agent" && line.playsUntil > at ? { ...line, playsUntil: at } : line,
  );
}

/** Marks a turn that broke off before it was complete. */
export function markBrokenOff(memory: TurnMemory, turnId: number): TurnMemory {
  return memory.map((line) =>
    line.role === "agent" && line.turnId === turnId ? { ...line, interrupted: true } : line,
  );
}

/**
 * Cuts the memory to what was heard when the person cut in: the line being played is shortened,
 * lines that waited behind it are gone. Answers the same memory when nothing was playing.
 */
export function cutAtInterrupt(memory: TurnMemory, cut: Cut, at: Instant): TurnMemory {
  const index = lineBeingHeard(memory, cut, at);
  const line = memory[index];
  if (line?.role !== "agent") return memory;
  const heard = decideHeardCharacters(line.text, { ...cut, ...line });
  return cutAfter(memory, index, heard, at);
}

/** What a cut took away: the rest, from the start of a word, and its lines as they were. */
export function unheardOf(
  before: TurnMemory,
  after: TurnMemory,
): { readonly rest: string; readonly whole: string } {
  const kept = new Map(
    after.flatMap((line) => (line.role === "agent" ? [[line.turnId, line.text.length]] : [])),
  );
  const lost = before.flatMap((line) => {
    if (line.role !== "agent") return [];
    const heard = kept.get(line.turnId) ?? 0;
    if (heard >= line.text.trimEnd().length) return [];
    const isWithinWord = /\S/.test(line.text.charAt(heard));
    const from = isWithinWord ? line.text.slice(0, heard).search(/\S*$/) : heard;
    return [{ rest: line.text.slice(from).trim(), whole: line.text.trim() }];
  });
  return {
    rest: lost.map(({ rest }) => rest).join(" "),
    whole: lost.map(({ whole }) => whole).join(" "),
  };
}

/**
 * Cuts the memory to what can have been heard by now: the line went dead while audio was playing.
 */
export function cutAtSilencing(memory: TurnMemory, at: Instant): TurnMemory {
  const index = memory.findIndex(
    (line) => line.role === "agent" && line.playsUntil > at && !isOver(memory, line),
  );
  const line = memory[index];
  if (line?.role !== "agent") return memory;
  const heard = Math.max(line.playedCharacters, spokenIn(line.text, at - line.playsFrom));
  return cutAfter(memory, index, heard, at);
}

/** The history as a model reads it: roles alternate, a line that was cut off ends in a dash. */
export function formatHistory(memory: TurnMemory): readonly ModelMessage[] {
  const messages: { role: "user" | "assistant"; content: string }[] = [];
  for (const line of memory) {
    const role = line.role === "agent" ? "assistant" : "user";
    const content = contentOf(line);
    const last = messages.at(-1);
    if (last?.role === role) last.content += ` ${content}`;
    else messages.push({ role, content });
  }
  return messages;
}

export function formatTranscript(memory: TurnMemory): readonly TranscriptLine[] {
  return memory.flatMap((line) => {
    if (line.role === "note") return [];
    const { role, text, at } = line;
    const interrupted = line.role === "agent" && line.interrupted;
    return [{ role, text: text.trim().toWellFormed(), at, interrupted }];
  });
}

function contentOf(line: TurnMemory[number]): string {
  if (line.role === "note") return `[note: ${line.text}]`;
  return line.role === "agent" && line.interrupted ? `${line.text}—` : line.text;
}

function isPlayed(line: AgentLine): boolean {
  return line.playedCharacters >= line.text.trimEnd().length;
}

// A line that was cut, or that a later one has overtaken in the reports, waits for nothing: voices
// play in order.
function isOver(memory: TurnMemory, line: AgentLine): boolean {
  const overtaken = memory.some(
    (other) => other.role === "agent" && other.turnId > line.turnId && other.playedCharacters > 0,
  );
  return overtaken || isPlayed(line);
}

// Estimates of who plays when are rough, so the words reported as heard come before them. They may
// also name a line that had just been played to its end: then it lost nothing, and what waited
// behind it was never heard. Without words it is the line that should have begun when the reported
// duration did.
function lineBeingHeard(memory: TurnMemory, cut: Cut, at: Instant): number {
  const recent = memory.flatMap((line, index) =>
    line.role === "agent" && line.playsUntil > at - LATE_CUT_MS ? [{ line, index }] : [],
  );
  const open = recent.filter(({ line }) => !isOver(memory, line));
  if (open.length === 0) return -1;
  const playing = open.filter(({ line }) => line.playsUntil > at);
  const reported = open.findLast(({ line }) => line.playedCharacters > 0);
  const isNamed = ({ line }: OpenLine) => beginsWith(line.text, cut.heardText);
  const named = playing.find(isNamed) ?? open.find(isNamed) ?? recent.findLast(isNamed);
  return (reported ?? named ?? lineByTime(open, cut.durationMs, at))?.index ?? -1;
}

interface OpenLine {
  readonly line: AgentLine;
  readonly index: number;
}

function lineByTime(
  open: readonly OpenLine[],
  durationMs: number | null,
  at: Instant,
): OpenLine | undefined {
  if (durationMs === null) return open.find(({ line }) => line.playsUntil > at) ?? open.at(-1);
  const offBy = ({ line }: OpenLine) => Math.abs(line.playsFrom - (at - durationMs));
  return open.toSorted((one, other) => offBy(one) - offBy(other))[0];
}

function cutAfter(memory: TurnMemory, index: number, heard: number, at: Instant): TurnMemory {
  const line = memory[index];
  if (line?.role !== "agent") return memory;
  const isWhole = heard >= line.text.trimEnd().length;
  const text = isWhole ? line.text : line.text.slice(0, heard).trimEnd();
  // All that is left of it was heard: a report that comes late finds nothing more to change.
  const over = { text, playedCharacters: text.length, playsUntil: at };
  const cut: AgentLine = { ...line, ...over, interrupted: line.interrupted || !isWhole };
  const before = memory.slice(0, index);
  const after = memory.slice(index + 1).filter((later) => later.role !== "agent");
  return joinCallee(cut.text.trim() === "" ? [...before, ...after] : [...before, cut, ...after]);
}

// With a line of the agent gone, what the person said around it is one turn.
function joinCallee(memory: TurnMemory): TurnMemory {
  return memory.reduce<TurnMemory>(
    (joined, line) =>
      line.role === "callee" ? addCallee(joined, line.text, line.at) : [...joined, line],
    [],
  );
}
