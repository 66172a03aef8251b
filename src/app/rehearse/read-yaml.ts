// A YAML file that people write by hand, held against a schema. What is wrong is told with the
// file's line and the field, and for a misspelt field what was most likely meant.

import { readFileSync } from "node:fs";
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document } from "yaml";
import type { z } from "zod";
import { nearestName } from "../../domain/nearest-name.ts";

type Path = readonly PropertyKey[];

export interface YamlFile<T> {
  readonly value: T;
  /** An error about this field, with its line. */
  readonly fault: (path: Path, message: string) => Error;
}

/** @throws Error in words for whoever wrote the file */
export function readYaml<S extends z.ZodType>(file: string, schema: S): YamlFile<z.output<S>> {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const line = broken.linePos?.[0].line ?? 1;
    throw new Error(`${file}:${line}: ${broken.message.split(/ at line|\n/)[0] ?? "is not YAML"}`);
  }
  const fault = (path: Path, message: string): Error =>
    new Error(`${file}:${lineOf(document, lines, path)}: ${formatPath(path)}${message}`);
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return { value: parsed.data, fault };
  const [issue] = parsed.error.issues;
  if (issue?.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    const meant = nearestName(key, knownNames(schema, issue.path));
    const hint = meant === null ? "" : `; did you mean ${meant}?`;
    throw fault([...issue.path, key], `is not a field${hint}`);
  }
  throw fault(issue?.path ?? [], issue?.message ?? "does not fit");
}

/** The text of a file. @throws Error in words when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new Error(isMissing ? `there is no file ${file}` : `${file} cannot be read`, {
      cause: error,
    });
  }
}

function formatPath(path: Path): string {
  const text = path
    .map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`))
    .join("");
  return text === "" ? "" : `${text.replace(/^\./, "")} `;
}

// The deepest part of the path that the file has.
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((each) => isScalar(each.key) && each.key.value === part);
      if (pair === undefined || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      const range = (node as { readonly range?: readonly number[] } | undefined)?.range;
      offset = range?.[0] ?? offset;
    } else break;
  }
  return lines.linePos(offset).line;
}

interface SchemaParts {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly unwrap?: () => unknown;
}

// The names of the object at a path of a schema of objects and lists.
function knownNames(schema: unknown, path: Path): readonly string[] {
  let at = schema as SchemaParts | undefined;
  for (const part of path) {
    at = unwrapped(at);
    at = (typeof part === "number" ? at?.element : at?.shape?.[String(part)]) as typeof at;
  }
  return Object.keys(unwrapped(at)?.shape ?? {});
}

function unwrapped(schema: SchemaParts | undefined): SchemaParts | undefined {
  const isBare = schema?.shape !== undefined || schema?.element !== undefined;
  return isBare || schema?.unwrap === undefined ? schema : (schema.unwrap() as SchemaParts);
}
