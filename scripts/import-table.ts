// Who may import whom: the table of DESIGN.md as data, read by scripts/walls.ts. This is its only
// home. A new room, or a wider one, needs a page in docs/decisions/ that says why.

/** A part of the source with walls around it. Patterns are globs over paths from the root. */
export interface Room {
  /** Folder of the room. Its files may always import each other. */
  readonly folder: string;
  readonly mayImport: readonly string[];
  /** Allowed for `import type` only. */
  readonly mayImportTypes?: readonly string[];
  /**
   * Outside modules the room may import; every one when missing. Rooms that only decide do no I/O.
   */
  readonly packages?: readonly string[];
}

const DOMAIN = "src/domain/**";
const PORTS = "src/ports/**";
const STORE = "src/store/**";

export const ROOMS: readonly Room[] = [
  {
    folder: "src/domain",
    mayImport: [],
    packages: ["libphonenumber-js", "zod", "node:assert", "node:crypto"],
  },
  { folder: "src/ports", mayImport: [], mayImportTypes: [DOMAIN], packages: [] },
  {
    folder: "src/store",
    mayImport: [DOMAIN, PORTS],
    packages: ["zod", "node:assert", "node:crypto"],
  },
  {
    folder: "src/engine",
    mayImport: [DOMAIN, PORTS, STORE],
    packages: ["node:assert", "node:crypto"],
  },
  {
    folder: "src/agent",
    mayImport: [DOMAIN, PORTS],
    packages: ["zod", "node:assert", "node:crypto"],
  },
  { folder: "src/carrier", mayImport: [DOMAIN, PORTS] },
  { folder: "src/model", mayImport: [DOMAIN, PORTS] },
  { folder: "src/jobs", mayImport: [DOMAIN, PORTS, STORE] },
  {
    folder: "src/http",
    mayImport: [
      DOMAIN,
      PORTS,
      STORE,
      // Entry points of the engine and of the agent, by file.
      "src/engine/engine.ts",
      "src/engine/campaign-verbs.ts",
      "src/engine/campaign-edit.ts",
      "src/engine/settle-by-hand.ts",
      "src/agent/session.ts",
      "src/agent/session-events.ts",
      "src/agent/session-state.ts",
      "src/agent/call-facts.ts",
      "src/agent/generated-greeting.ts",
      "src/agent/prompt.ts",
      // What a carrier sends us, parsed and verified.
      "src/carrier/twilio/callback-addresses.ts",
      "src/carrier/twilio/webhooks.ts",
      "src/carrier/twilio/relay-frames.ts",
      "src/carrier/twilio/signature.ts",
    ],
  },
  {
    folder: "src/simulator",
    // The wire only: the simulator must not lean on the code that it is there to try.
    mayImport: [
      DOMAIN,
      PORTS,
      "src/carrier/twilio/relay-frames.ts",
      "src/carrier/twilio/*-wire.ts",
    ],
  },
  { folder: "src/cli", mayImport: ["src/app/**", "src/http/contract/**"] },
  { folder: "src/app", mayImport: ["src/**"] },
  {
    folder: "dashboard",
    mayImport: [],
    mayImportTypes: ["src/http/contract/**"],
  },
];

/** Packages that belong to the rooms made for them; no other file under src may import them. */
export const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  twilio: ["src/carrier/twilio/**"],
  ai: ["src/model/**"],
  "@ai-sdk/*": ["src/model/**"],
  pg: ["src/app/**", "src/store/**"],
  "pg-copy-streams": ["src/app/**", "src/store/**"],
  commander: ["src/cli/**"],
  standardwebhooks: ["src/jobs/**"],
  // The simulated carrier knows the numbering plan as a real one does: from its own reading of it.
  "libphonenumber-js": ["src/domain/**", "src/simulator/**"],
};
