// Rules over plain text: line length, the comment that opens a file, work left undone, and traces
// of the machine something was written on.

import { Visitor } from "oxc-parser";
import { eachModule, type Project, type Rule } from "./tidy-project.ts";
import type { Finding, SourceFile } from "./source-tree.ts";

// The formatter breaks code at the same column; it leaves comments and strings alone.
const MAX_LINE_LENGTH = 100;

// SQL is broken by hand, at its clauses, but a screen has its end.
const MAX_TEMPLATE_LINE_LENGTH = 130;

// What may follow a literal on its line: `", async () => {` of a test's name, for one.
const CLOSING_LENGTH = 20;

// A header is two to six lines; with the table of a state machine it may be longer. Past this it is
// a document.
const MAX_HEADER_LINES = 12;

// Built from parts, so that this file does not name them.
const MACHINE_TRACES: readonly RegExp[] = [
  new RegExp(["", "work", "(main|shared|\\.library)\\b"].join("/")),
  new RegExp(["", "root", ""].join("/")),
  new RegExp(["", "tmp", "(brief|bash_jobs)\\b"].join("/")),
  new RegExp(["registry", "npmjs", "org"].join("\\.")),
];

const BINARY_FILE = /\.(png|jpe?g|gif|ico|webp|woff2?|wav|mp3|gz|tgz)$/;

export const textRules: readonly Rule[] = [
  eachModule(/^(src|test|bench|scripts|bin)\//, lineLength),
  eachModule(/^(src|test|bench|scripts|bin)\//, header),
  eachModule(/./, unfinishedWork),
  machineTraces,
];

function lineLength(source: SourceFile): Finding[] {
  const findings: Finding[] = [];
  let start = 0;
  for (const [index, text] of source.text.split("\n").entries()) {
    const limit = maxLength(source, start, text);
    if (text.length > limit) {
      const message = `${text.length} columns; the limit is ${limit}`;
      findings.push({ file: source.path, line: index + 1, message });
    }
    start += text.length + 1;
  }
  return findings;
}

/**
 * The limit of one line: what nobody can break has none (addresses, rows of a table, whole
 * strings).
 */
function maxLength(source: SourceFile, start: number, text: string): number {
  if (text.length <= MAX_LINE_LENGTH) return MAX_LINE_LENGTH;
  if (text.includes("://") || /^\s*(\/\/|\*) (\|.*\||.*\S {2,}\S)/.test(text)) return Infinity;
  let limit = MAX_LINE_LENGTH;
  const raiseTo = (
    raised: number,
    node: { readonly start: number; readonly end: number },
  ): void => {
    const isAtLimit =
      node.start < start + MAX_LINE_LENGTH && node.end >= start + MAX_LINE_LENGTH - CLOSING_LENGTH;
    if (isAtLimit) limit = Math.max(limit, raised);
  };
  new Visitor({
    Literal: (node) => {
      if (typeof node.value === "string" || "regex" in node) raiseTo(Infinity, node);
    },
    TemplateLiteral: (node) => raiseTo(MAX_TEMPLATE_LINE_LENGTH, node),
  }).visit(source.program);
  return limit;
}

function header(source: SourceFile): Finding[] {
  const lines = source.text.split("\n");
  if (lines[0]?.startsWith("#!")) lines.shift();
  const count = lines[0]?.startsWith("/*")
    ? lines.findIndex((it) => it.includes("*/")) + 1
    : lines.findIndex((it) => !it.startsWith("//"));
  if (count === 0) {
    const message = "opens without a comment: say what the file is for and what it must never do";
    return [{ file: source.path, line: 1, message }];
  }
  if (count <= MAX_HEADER_LINES) return [];
  const message = `opens with ${count} lines of comment; ${MAX_HEADER_LINES} is the most`;
  return [{ file: source.path, line: 1, message }];
}

function unfinishedWork(source: SourceFile): Finding[] {
  return source.comments.flatMap((it) => {
    if (!/\b(TODO|FIXME|XXX)\b(?!\s*\(#\d+\))/.test(it.value)) return [];
    const message = "left undone without an issue number: TODO(#12)";
    return [{ file: source.path, line: source.lineAt(it.start), message }];
  });
}

function machineTraces(project: Project): Finding[] {
  const texts = project.paths.filter((path) => !BINARY_FILE.test(path));
  return texts.flatMap((file) => {
    const text = project.text(file) ?? "";
    if (!MACHINE_TRACES.some((trace) => trace.test(text))) return [];
    return text.split("\n").flatMap((line, index) => {
      const trace = MACHINE_TRACES.find((it) => it.test(line));
      if (trace === undefined) return [];
      return [{ file, line: index + 1, message: `names one machine's place: ${trace.source}` }];
    });
  });
}
