// Finds what a module imports, in every form the language has: import, export … from, import("…"),
// and import("…") inside a type. An import it misses is a hole in the walls.

import { posix } from "node:path";
import { Visitor } from "oxc-parser";
import type { SourceFile } from "./source-tree.ts";

export interface ModuleImport {
  /** As written. */
  readonly specifier: string;
  /** Path from the root when the specifier is relative, else null. */
  readonly path: string | null;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

interface ImportLike {
  readonly start: number;
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

/**
 * Imports of one module in source order. A computed `import(expression)` names no module and is
 * left out.
 */
export function importsOf(source: SourceFile): ModuleImport[] {
  const found: ImportLike[] = [];
  new Visitor({
    ImportDeclaration: (node) => {
      const isTypeOnly =
        node.importKind === "type" ||
        (node.specifiers.length > 0 &&
          node.specifiers.every((it) => it.type === "ImportSpecifier" && it.importKind === "type"));
      found.push({ start: node.start, specifier: node.source.value, isTypeOnly });
    },
    ExportNamedDeclaration: (node) => {
      if (node.source === null) return;
      const isTypeOnly = node.exportKind === "type";
      found.push({ start: node.start, specifier: node.source.value, isTypeOnly });
    },
    ExportAllDeclaration: (node) => {
      const isTypeOnly = node.exportKind === "type";
      found.push({ start: node.start, specifier: node.source.value, isTypeOnly });
    },
    ImportExpression: (node) => {
      if (node.source.type !== "Literal" || typeof node.source.value !== "string") return;
      found.push({ start: node.start, specifier: node.source.value, isTypeOnly: false });
    },
    TSImportType: (node) => {
      found.push({ start: node.start, specifier: node.source.value, isTypeOnly: true });
    },
  }).visit(source.program);
  return found
    .sort((a, b) => a.start - b.start)
    .map((it) => ({
      specifier: it.specifier,
      path: it.specifier.startsWith(".")
        ? posix.join(posix.dirname(source.path), it.specifier)
        : null,
      isTypeOnly: it.isTypeOnly,
      line: source.lineAt(it.start),
    }));
}

/** True when a module adds nothing of its own: it only passes on what others export. */
export function isBarrel(source: SourceFile): boolean {
  const imported = new Set<string>();
  let passedOn = 0;
  for (const node of source.program.body) {
    if (node.type === "ImportDeclaration") {
      for (const it of node.specifiers) imported.add(it.local.name);
    } else if (node.type === "ExportAllDeclaration") {
      passedOn += 1;
    } else if (node.type === "ExportNamedDeclaration" && node.declaration === null) {
      const names = node.specifiers.map((it) =>
        it.local.type === "Literal" ? it.local.value : it.local.name,
      );
      if (node.source === null && !names.every((name) => imported.has(name))) return false;
      passedOn += names.length;
    } else {
      return false;
    }
  }
  return passedOn > 0;
}

/**
 * "zod" of "zod/v4", "@ai-sdk/openai" of "@ai-sdk/openai/internal", "node:fs" of
 * "node:fs/promises".
 */
export function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? specifier);
}
