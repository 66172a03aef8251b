// Lists kept in two places must say the same: error codes and their page, migrations and their
// numbers.

import { Visitor, type Expression } from "oxc-parser";
import type { Project, Rule } from "./tidy-project.ts";
import type { Finding, SourceFile } from "./source-tree.ts";

const CATALOGUE = "src/domain/app-error.ts";
const ERROR_PAGE = "docs/errors.md";

export const catalogueRules: readonly Rule[] = [errorPage, migrationNumbers];

function errorPage(project: Project): Finding[] {
  const source = project.sources.find((it) => it.path === CATALOGUE);
  if (source === undefined) return [];
  const inCode = errorStatuses(source);
  const onPage = documentedStatuses(project.text(ERROR_PAGE) ?? "");
  const problems: string[] = [];
  if (inCode.size === 0) problems.push(`found no codes in ${CATALOGUE}`);
  for (const [code, status] of inCode) {
    const documented = onPage.get(code);
    if (documented === undefined) problems.push(`"${code}" is not on the page`);
    else if (documented !== status) problems.push(`"${code}" is ${status}, not ${documented}`);
  }
  for (const code of onPage.keys()) {
    if (!inCode.has(code)) problems.push(`"${code}" is on the page but in no code`);
  }
  return problems.map((message) => ({ file: ERROR_PAGE, line: 1, message }));
}

function errorStatuses(source: SourceFile): Map<string, number> {
  const statuses = new Map<string, number>();
  new Visitor({
    VariableDeclarator: (node) => {
      if (node.id.type !== "Identifier" || node.id.name !== "ERROR_STATUS") return;
      const table = unwrap(node.init);
      if (table?.type !== "ObjectExpression") return;
      for (const it of table.properties) {
        if (it.type !== "Property" || it.key.type !== "Identifier") continue;
        if (it.value.type === "Literal") statuses.set(it.key.name, Number(it.value.value));
      }
    },
  }).visit(source.program);
  return statuses;
}

// `{…} as const satisfies …`
function unwrap(expression: Expression | null): Expression | null {
  if (expression?.type === "TSAsExpression" || expression?.type === "TSSatisfiesExpression") {
    return unwrap(expression.expression);
  }
  return expression;
}

/** Rows of the page's tables: | `code` | 400 | … */
function documentedStatuses(page: string): Map<string, number> {
  const rows = page.matchAll(/^\| `([a-z0-9_]+)` \| (\d{3}) \|/gm);
  return new Map(Array.from(rows, ([, code = "", status]) => [code, Number(status)]));
}

function migrationNumbers(project: Project): Finding[] {
  const files = project.paths.filter((it) => it.startsWith("migrations/"));
  return files.flatMap((file, index) => {
    const expected = String(index + 1).padStart(4, "0");
    if (new RegExp(`^migrations/${expected}_[a-z0-9_]+\\.sql$`).test(file)) return [];
    return [{ file, line: 1, message: `the name must be ${expected}_what_it_does.sql` }];
  });
}
