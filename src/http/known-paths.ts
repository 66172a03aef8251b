// Which methods a path knows, so that a wrong method is told apart from a wrong path (405 and 404).

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}

export interface KnownPaths {
  add(url: string, methods: readonly string[]): void;
  /** Methods of a path without its query; empty: no such path. */
  methodsOf(path: string): readonly string[];
}

export function createKnownPaths(): KnownPaths {
  const known: KnownPath[] = [];
  return {
    add: (url, methods) => {
      // `:name` is one segment; what a wildcard serves (static files) knows no other methods.
      if (url.includes("*")) return;
      const pattern = url.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/:[A-Za-z_]+/g, "[^/]+");
      known.push({ pattern: new RegExp(`^${pattern}/?$`), methods });
    },
    methodsOf: (path) => {
      const methods = known
        .filter(({ pattern }) => pattern.test(path))
        .flatMap((one) => one.methods);
      return [...new Set(methods)].filter((method) => method !== "HEAD");
    },
  };
}
