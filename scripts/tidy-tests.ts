// Tests: each file expects something, and what is skipped says why.

import { Visitor, type Expression } from "oxc-parser";
import { eachModule, type Rule } from "./tidy-project.ts";
import type { Finding, SourceFile } from "./source-tree.ts";

const TEST_FILE = /^test\/.*\.test\.tsx?$/;
const SUITE_NAMES = new Set(["test", "it", "describe", "suite"]);
const SKIPPING = new Set(["skip", "skipIf", "runIf", "todo", "fails"]);

export const testRules: readonly Rule[] = [
  eachModule(TEST_FILE, expectsSomething),
  eachModule(TEST_FILE, skipsWithReason),
];

function expectsSomething(source: SourceFile): Finding[] {
  let count = 0;
  new Visitor({
    CallExpression: (node) => {
      if (rootName(node.callee) === "expect") count += 1;
    },
  }).visit(source.program);
  if (count > 0) return [];
  return [{ file: source.path, line: 1, message: "expects nothing: such a test can't fail" }];
}

// `test.skip("name", …)` needs a comment above it; `context.skip("reason")` carries its own.
function skipsWithReason(source: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const commentEnds = new Set(source.comments.map((it) => source.lineAt(it.end)));
  new Visitor({
    CallExpression: (node) => {
      const { callee } = node;
      if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
      if (!SKIPPING.has(callee.property.name)) return;
      const line = source.lineAt(node.start);
      const ofSuite = SUITE_NAMES.has(rootName(callee.object) ?? "");
      const isSkipCall = ofSuite || callee.property.name === "skip";
      const hasReason = ofSuite
        ? commentEnds.has(line - 1) || commentEnds.has(line)
        : node.arguments.some((it) => it.type === "Literal" || it.type === "TemplateLiteral");
      if (isSkipCall && !hasReason) {
        findings.push({ file: source.path, line, message: "skips without saying why" });
      }
    },
  }).visit(source.program);
  return findings;
}

/** `expect` of `expect.soft(x)`, `test` of `test.skip.each`. */
function rootName(expression: Expression | { readonly type: "Super" }): string | null {
  if (expression.type === "Identifier") return expression.name;
  if (expression.type === "MemberExpression") return rootName(expression.object);
  return null;
}
