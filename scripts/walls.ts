// Guards the walls between rooms: the import table, no cycles, no barrels, no room outside the
// table, and nothing imported at run time that an installed package would not have. `node
// scripts/walls.ts` checks this project; a run that read no module fails.

import { existsSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { findCycles } from "./cycles.ts";
import { PACKAGE_HOMES, ROOMS, type Room } from "./import-table.ts";
import { importsOf, isBarrel, packageOf, type ModuleImport } from "./module-imports.ts";
import {
  formatFindings,
  isModule,
  listFiles,
  readSource,
  readText,
  type Finding,
  type SourceFile,
} from "./source-tree.ts";

export interface WallReport {
  readonly modulesRead: number;
  readonly findings: readonly Finding[];
}

/** Reads every module under src and dashboard below `root` and answers what breaks the walls. */
export function checkWalls(root: string): WallReport {
  const paths = listFiles(root).filter((path) => isModule(path) && isGuarded(path));
  const installed = runtimePackages(root);
  const graph = new Map<string, string[]>();
  const findings: Finding[] = [];
  for (const path of paths) {
    const source = readSource(root, path);
    const room = ROOMS.find((it) => path.startsWith(`${it.folder}/`));
    const imports = importsOf(source);
    graph.set(
      path,
      imports.flatMap((it) => it.path ?? []),
    );
    if (room === undefined) {
      findings.push({ file: path, line: 1, message: "belongs to no room of the import table" });
      continue;
    }
    findings.push(...checkImports(root, room, source, imports, installed));
    if (isBarrel(source)) {
      findings.push({ file: path, line: 1, message: "only re-exports: import from where it is" });
    }
  }
  for (const cycle of findCycles(graph)) {
    findings.push({ file: cycle[0] ?? "", line: 1, message: `cycle: ${cycle.join(" → ")}` });
  }
  return { modulesRead: paths.length, findings };
}

function isGuarded(path: string): boolean {
  const isConfig = /^dashboard\/[^/]+\.config\.ts$/.test(path);
  return (path.startsWith("src/") || path.startsWith("dashboard/")) && !isConfig;
}

function checkImports(
  root: string,
  room: Room,
  source: SourceFile,
  imports: readonly ModuleImport[],
  installed: ReadonlySet<string>,
): Finding[] {
  return imports.flatMap((it) => {
    const problem =
      it.path === null
        ? problemWithPackage(room, source.path, it, installed)
        : problemWithFile(root, room, it, it.path);
    return problem === null ? [] : [{ file: source.path, line: it.line, message: problem }];
  });
}

function problemWithFile(root: string, room: Room, it: ModuleImport, path: string): string | null {
  if (!existsSync(join(root, path))) return `imports ${it.specifier}, which does not exist`;
  if (path.startsWith(`${room.folder}/`)) return null;
  if (room.mayImport.some((pattern) => matchesGlob(path, pattern))) return null;
  const asType = room.mayImportTypes?.some((pattern) => matchesGlob(path, pattern)) ?? false;
  if (asType && it.isTypeOnly) return null;
  const hint = asType ? " except with `import type`" : "";
  return `${room.folder} may not import ${path}${hint} (scripts/import-table.ts)`;
}

function problemWithPackage(
  room: Room,
  file: string,
  it: ModuleImport,
  installed: ReadonlySet<string>,
): string | null {
  const name = packageOf(it.specifier);
  if (room.packages !== undefined && !room.packages.includes(name)) {
    return `${room.folder} may not import ${name}: it does no I/O of its own`;
  }
  // The dashboard is built into static files; nothing of it is resolved on a user's machine.
  if (room.folder === "dashboard") return null;
  const home = Object.entries(PACKAGE_HOMES).find(([pattern]) => matchesGlob(name, pattern));
  if (home !== undefined && !home[1].some((pattern) => matchesGlob(file, pattern))) {
    return `${name} belongs to ${home[1].join(", ")}`;
  }
  if (!it.isTypeOnly && !name.startsWith("node:") && !installed.has(name)) {
    return `${name} is not among the dependencies that an installed carillon has`;
  }
  return null;
}

function runtimePackages(root: string): Set<string> {
  const manifest = JSON.parse(readText(root, "package.json")) as {
    dependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
  };
  return new Set([
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.optionalDependencies ?? {}),
  ]);
}

if (import.meta.main) {
  const report = checkWalls(process.cwd());
  if (report.findings.length > 0) console.log(formatFindings(report.findings));
  if (report.modulesRead === 0) console.log("read no module: nothing was checked");
  console.log(`walls: ${report.modulesRead} modules, ${report.findings.length} findings`);
  process.exitCode = report.findings.length > 0 || report.modulesRead === 0 ? 1 : 0;
}
