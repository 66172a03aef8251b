// Names: kebab-case files that say what they export, and one word per thing. Only names we choose
// are checked (declarations), never those of a wire format or a library (uses, object keys).

import { Visitor, type BindingPattern, type PropertyKey } from "oxc-parser";
import { eachModule, type Project, type Rule } from "./tidy-project.ts";
import type { Finding, SourceFile } from "./source-tree.ts";

// A file named so is a drawer: whatever fits nowhere else ends up in it.
const DRAWER_NAMES = [
  "utils",
  "util",
  "helpers",
  "helper",
  "common",
  "misc",
  "manager",
  "service",
  "base",
];

interface Synonym {
  readonly words: readonly string[];
  readonly instead: string;
  /** Files where the word is somebody else's, so that ours would confuse. */
  readonly except?: RegExp;
  /** Only these files, where the word has a meaning of its own elsewhere. */
  readonly only?: RegExp;
}

// The glossary of DESIGN.md, from the wrong side.
const SYNONYMS: readonly Synonym[] = [
  // "lead" alone is also time ahead; only people come as leads.
  { words: ["leads", "contact", "subscriber", "customer"], instead: "recipient" },
  { words: ["msisdn"], instead: "phone" },
  {
    words: ["provider", "vendor", "gateway"],
    instead: "carrier",
    // A model's provider is the AI SDK's word; Twilio has providers of speech.
    except: /^src\/(carrier|model|simulator)\//,
  },
  { words: ["bot"], instead: "agent" },
  { words: ["blocklist", "blacklist", "denylist", "dnc"], instead: "suppression" },
  { words: ["job", "task"], instead: "call", only: /^src\/engine\// },
];

export const nameRules: readonly Rule[] = [fileNames, eachModule(/^src\//, identifiers), sqlNames];

function fileNames(project: Project): Finding[] {
  const ours = project.paths.filter((it) => /^(src|test|bench|scripts|bin|examples)\//.test(it));
  return ours.flatMap((file) => {
    const problems: string[] = [];
    const parts = file.split("/").slice(1);
    const stems = parts.map((part, index) =>
      index === parts.length - 1 ? part.replace(/(\.[a-z]+)+$/, "") : part,
    );
    for (const stem of stems) {
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) problems.push(`"${stem}" is not kebab-case`);
      const drawer = drawerWord(stem);
      if (drawer !== null) problems.push(`"${drawer}" says nothing: name the file for its export`);
    }
    if (file.startsWith("src/") && !file.endsWith(".ts")) {
      problems.push("src holds .ts files only: nothing else reaches dist/");
    }
    return problems.map((message) => ({ file, line: 1, message }));
  });
}

function drawerWord(stem: string): string | null {
  const words = stem.split("-");
  return (
    words.find((word, index) => {
      // A base URL is a thing; a base is not.
      if (word === "base" && words[index + 1] === "url") return false;
      return DRAWER_NAMES.includes(word);
    }) ?? null
  );
}

function identifiers(source: SourceFile): Finding[] {
  return declaredNames(source).flatMap(({ name, start }) => {
    const synonym = synonymIn(name, source.path);
    if (synonym === null) return [];
    const message = `"${name}": the word is ${synonym}`;
    return [{ file: source.path, line: source.lineAt(start), message }];
  });
}

/** The glossary's word for one that the name uses instead, or null. */
function synonymIn(name: string, path: string): string | null {
  const words = wordsOf(name);
  const synonym = SYNONYMS.find((it) => {
    if (it.except?.test(path) === true || it.only?.test(path) === false) return false;
    return it.words.some((word) => words.includes(word) || words.includes(`${word}s`));
  });
  // "modelProvider" says whose.
  if (synonym === undefined || words.includes("model")) return null;
  return synonym.instead;
}

/** "ringTimeout_seconds" → ring, timeout, seconds. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()
    .split(/[_$]+/);
}

interface DeclaredName {
  readonly name: string;
  readonly start: number;
}

function declaredNames(source: SourceFile): DeclaredName[] {
  const found: DeclaredName[] = [];
  const declare = (node: DeclaredName | null): void => {
    if (node !== null) found.push({ name: node.name, start: node.start });
  };
  const declareKey = (key: PropertyKey): void => {
    if (key.type === "Identifier" || key.type === "PrivateIdentifier") declare(key);
  };
  const declareParams = (params: readonly unknown[]): void => {
    for (const param of params) namesInPattern(param as BindingPattern, declare);
  };
  new Visitor({
    VariableDeclarator: (node) => namesInPattern(node.id, declare),
    FunctionDeclaration: (node) => (declare(node.id), declareParams(node.params)),
    FunctionExpression: (node) => declareParams(node.params),
    ArrowFunctionExpression: (node) => declareParams(node.params),
    ClassDeclaration: (node) => declare(node.id),
    TSTypeAliasDeclaration: (node) => declare(node.id),
    TSInterfaceDeclaration: (node) => declare(node.id),
    TSPropertySignature: (node) => declareKey(node.key),
    TSMethodSignature: (node) => declareKey(node.key),
    PropertyDefinition: (node) => declareKey(node.key),
    MethodDefinition: (node) => declareKey(node.key),
  }).visit(source.program);
  return found;
}

function namesInPattern(
  pattern: BindingPattern | null,
  declare: (node: DeclaredName) => void,
): void {
  switch (pattern?.type) {
    case "Identifier":
      declare(pattern);
      break;
    case "AssignmentPattern":
      namesInPattern(pattern.left, declare);
      break;
    case "ObjectPattern":
      for (const it of pattern.properties) {
        namesInPattern(it.type === "RestElement" ? it.argument : it.value, declare);
      }
      break;
    case "ArrayPattern":
      for (const it of pattern.elements) {
        namesInPattern(it?.type === "RestElement" ? it.argument : it, declare);
      }
      break;
    case undefined:
      break;
  }
}

// Tables and columns carry the same words.
function sqlNames(project: Project): Finding[] {
  const migrations = project.paths.filter((it) => it.startsWith("migrations/"));
  return migrations.flatMap((file) =>
    (project.text(file) ?? "").split("\n").flatMap((text, index) => {
      const names =
        text
          .replace(/--.*$/, "")
          .replace(/'[^']*'/g, "")
          .match(/[a-z_]+/gi) ?? [];
      return names.flatMap((name) => {
        const synonym = synonymIn(name, file);
        if (synonym === null) return [];
        return [{ file, line: index + 1, message: `"${name}": the word is ${synonym}` }];
      });
    }),
  );
}
