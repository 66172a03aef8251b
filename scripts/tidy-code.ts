// Rules over the syntax tree: time and waiting in rooms that only decide, and references to our own
// modules that would break once src/ has become dist/.

import { Visitor } from "oxc-parser";
import { eachModule, type Rule } from "./tidy-project.ts";
import type { Finding, SourceFile } from "./source-tree.ts";

const ROOMS_WITHOUT_CLOCK = /^src\/(domain|ports|engine|agent|store|simulator)\//;

export const codeRules: readonly Rule[] = [
  eachModule(ROOMS_WITHOUT_CLOCK, currentDate),
  eachModule(/^src\/domain\//, waiting),
  eachModule(/^src\//, ownModuleUrls),
];

// `Date.now` and the like are the linter's; that a Date made without arguments is now, only the
// tree tells.
function currentDate(source: SourceFile): Finding[] {
  const starts: number[] = [];
  new Visitor({
    NewExpression: (node) => {
      const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
      if (isDate && node.arguments.length === 0) starts.push(node.start);
    },
    CallExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "Date") starts.push(node.start);
    },
  }).visit(source.program);
  return starts.map((start) => ({
    file: source.path,
    line: source.lineAt(start),
    message: "reads the machine's clock: take the instant as a parameter, or Clock.now()",
  }));
}

// (facts, now) → decision: there is nothing in the domain to wait for.
function waiting(source: SourceFile): Finding[] {
  const starts: number[] = [];
  const onFunction = (node: { readonly async: boolean; readonly start: number }): void => {
    if (node.async) starts.push(node.start);
  };
  new Visitor({
    FunctionDeclaration: onFunction,
    FunctionExpression: onFunction,
    ArrowFunctionExpression: onFunction,
    AwaitExpression: (node) => {
      starts.push(node.start);
    },
  }).visit(source.program);
  return starts.map((start) => ({
    file: source.path,
    line: source.lineAt(start),
    message: "waits for something: the domain is given facts and answers at once",
  }));
}

// `new URL("./worker.ts", import.meta.url)` is found in src/ and missing in dist/, where the file
// ends in .js.
function ownModuleUrls(source: SourceFile): Finding[] {
  const starts: number[] = [];
  new Visitor({
    NewExpression: (node) => {
      const [first] = node.arguments;
      if (node.callee.type !== "Identifier" || node.callee.name !== "URL") return;
      if (first?.type !== "Literal" || typeof first.value !== "string") return;
      if (/^\..*\.ts$/.test(first.value)) starts.push(node.start);
    },
  }).visit(source.program);
  return starts.map((start) => ({
    file: source.path,
    line: source.lineAt(start),
    message: "is missing once built: take the ending (.ts or .js) from import.meta.url",
  }));
}
