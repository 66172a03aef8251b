// SQL: the time is always a parameter, locks end with their transaction, and statements live in the
// store.

import { Visitor } from "oxc-parser";
import { eachModule, type Project, type Rule } from "./tidy-project.ts";
import type { Finding, SourceFile } from "./source-tree.ts";

const SERVER_CLOCK =
  /\bnow\s*\(\s*\)|\b(current_(timestamp|date|time)|localtime(stamp)?)\b|\b(clock|statement|transaction)_timestamp\b|\btimeofday\b/i;

// Held until the connection ends, so by nobody knows whom behind a pool.
const SESSION_LOCK = /\bpg_(try_)?advisory_(lock|unlock)(_shared|_all)?\b/i;

const STATEMENT =
  /^\s*(select\s[^;]*\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\()/i;

export const sqlRules: readonly Rule[] = [
  eachModule(/^src\/(store|engine|jobs)\//, (source) =>
    find(source, SERVER_CLOCK, "SQL reads the server's clock: pass the instant as a parameter"),
  ),
  // The one exception keeps one server per embedded data directory.
  eachModule(/^src\/(?!app\/embedded-postgres)/, (source) =>
    find(source, SESSION_LOCK, "a session-level lock: use pg_advisory_xact_lock"),
  ),
  // The composition root asks the database about itself; everybody else asks the store.
  eachModule(/^src\/(?!store\/|app\/)/, (source) =>
    find(source, STATEMENT, "a statement outside src/store"),
  ),
  serverClockInMigrations,
];

function find(source: SourceFile, pattern: RegExp, message: string): Finding[] {
  const findings: Finding[] = [];
  const look = (text: string, start: number): void => {
    if (!pattern.test(text.replace(/--.*$/gm, ""))) return;
    findings.push({ file: source.path, line: source.lineAt(start), message });
  };
  new Visitor({
    Literal: (node) => {
      if (typeof node.value === "string") look(node.value, node.start);
    },
    TemplateElement: (node) => look(node.value.raw, node.start),
  }).visit(source.program);
  return findings;
}

function serverClockInMigrations(project: Project): Finding[] {
  const migrations = project.paths.filter((it) => it.startsWith("migrations/"));
  return migrations.flatMap((file) =>
    (project.text(file) ?? "").split("\n").flatMap((text, index) => {
      if (!SERVER_CLOCK.test(text.replace(/--.*$/, ""))) return [];
      const message = "reads the server's clock: instants come from a parameter";
      return [{ file, line: index + 1, message }];
    }),
  );
}
