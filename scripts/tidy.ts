// What a linter can't say about the source: names, headers, time in SQL, tests that test nothing,
// catalogues that must agree. `node scripts/tidy.ts` checks this project; a run that read nothing
// fails. Each rule is a function from the project to findings and knows nothing of the others.

import { catalogueRules } from "./tidy-catalogues.ts";
import { codeRules } from "./tidy-code.ts";
import { nameRules } from "./tidy-names.ts";
import { readProject, type Rule } from "./tidy-project.ts";
import { sqlRules } from "./tidy-sql.ts";
import { testRules } from "./tidy-tests.ts";
import { textRules } from "./tidy-text.ts";
import { formatFindings, type Finding } from "./source-tree.ts";

export interface TidyReport {
  readonly modulesRead: number;
  readonly findings: readonly Finding[];
}

const RULES: readonly Rule[] = [
  ...textRules,
  ...nameRules,
  ...codeRules,
  ...sqlRules,
  ...testRules,
  ...catalogueRules,
];

/** Runs every rule over the project below `root`. */
export function checkTidy(root: string): TidyReport {
  const project = readProject(root);
  const findings = RULES.flatMap((rule) => rule(project));
  return { modulesRead: project.sources.length, findings };
}

if (import.meta.main) {
  const report = checkTidy(process.cwd());
  if (report.findings.length > 0) console.log(formatFindings(report.findings));
  if (report.modulesRead === 0) console.log("read no module: nothing was checked");
  console.log(`tidy: ${report.modulesRead} modules, ${report.findings.length} findings`);
  process.exitCode = report.findings.length > 0 || report.modulesRead === 0 ? 1 : 0;
}
