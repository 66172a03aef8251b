// Reads the project's own files for the checkers: walls and tidy. Paths are relative to the root
// with forward slashes. A checker that read nothing has checked nothing, so every caller counts
// what it read.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, type Comment, type Program } from "oxc-parser";

/** One rule broken at one place. `line` is from 1. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** A TypeScript or JavaScript module, parsed. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  /** Line (from 1) of an offset into `text`. */
  lineAt(offset: number): number;
}

// What is made, installed or kept by git itself is not ours to check.
const SKIPPED_FOLDERS = new Set([".git", "node_modules", "dist", "coverage", "data"]);

/** Every file below `root`, sorted, without what is generated or installed. */
export function listFiles(root: string): string[] {
  const found: string[] = [];
  walk(root, "", found);
  return found.sort();
}

function walk(root: string, folder: string, found: string[]): void {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) walk(root, path, found);
    if (entry.isFile()) found.push(path);
  }
}

export function readText(root: string, path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/**
 * Parses one module.
 * @throws Error when the file is not valid TypeScript: what can't be read can't be checked.
 */
export function readSource(root: string, path: string): SourceFile {
  const text = readText(root, path);
  const parsed = parseSync(path, text);
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path} can't be parsed: ${error.message}`);
  return {
    path,
    text,
    program: parsed.program,
    comments: parsed.comments,
    lineAt: (offset) => text.slice(0, offset).split("\n").length,
  };
}

export function isModule(path: string): boolean {
  return /\.(ts|tsx|mts|js|mjs)$/.test(path);
}

/** One line per finding, in the form that terminals and editors turn into a link. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings.map((it) => `${it.file}:${it.line}: ${it.message}`).join("\n");
}
