// The project as the tidy rules see it: every file's path, and every module of ours parsed once.

import {
  isModule,
  listFiles,
  readSource,
  readText,
  type Finding,
  type SourceFile,
} from "./source-tree.ts";

export interface Project {
  /** Every file, from the root. */
  readonly paths: readonly string[];
  readonly sources: readonly SourceFile[];
  /** Text of any file, or null when there is no such file. */
  text(path: string): string | null;
}

export type Rule = (project: Project) => Finding[];

const MODULE_FOLDERS = /^(src|test|bench|scripts|bin|dashboard)\//;

export function readProject(root: string): Project {
  const paths = listFiles(root);
  const known = new Set(paths);
  return {
    paths,
    sources: paths
      .filter((path) => MODULE_FOLDERS.test(path) && isModule(path))
      .map((path) => readSource(root, path)),
    text: (path) => (known.has(path) ? readText(root, path) : null),
  };
}

/** A rule that looks at one module at a time, at those that `pattern` names. */
export function eachModule(pattern: RegExp, check: (source: SourceFile) => Finding[]): Rule {
  return (project) => project.sources.filter((it) => pattern.test(it.path)).flatMap(check);
}
