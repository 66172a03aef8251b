// Settings: where a value comes from, and what is said about one that cannot be meant.

import { expect, test } from "vitest";
import {
  ConfigError,
  describeConfig,
  loadConfig,
  renderSettingsPage,
  settingNames,
  type Config,
} from "../../src/app/config.ts";
import { SETTINGS, type Setting } from "../../src/app/config-schema.ts";

type Files = Readonly<Record<string, string>>;

function load(env: Readonly<Record<string, string>>, files: Files = {}): Config {
  return loadConfig(env, (path) => files[path] ?? null);
}

function faultsOf(env: Readonly<Record<string, string>>, files: Files = {}): readonly string[] {
  try {
    load(env, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test("without environment and file, the documented defaults are in force", () => {
  const config = load({});
  expect(config.require("CARILLON_HOST")).toBe("127.0.0.1");
  expect(config.require("CARILLON_PORT")).toBe(8080);
  expect(config.require("CARILLON_DATA_DIR")).toBe("./data");
  expect(config.require("CARILLON_ROLES")).toEqual(["api", "dialer", "voice", "jobs"]);
  expect(config.require("CARILLON_RATE_LIMIT_PER_MINUTE")).toBe(600);
  expect(config.require("CARILLON_MAX_VOICE_SESSIONS")).toBe(200);
  expect(config.require("CARILLON_MAX_BODY_BYTES")).toBe(40 * 1024 * 1024);
  expect(config.require("CARILLON_ALLOW_LOCAL_URLS")).toBe(false);
  expect(config.get("DATABASE_URL")).toBeNull();
  expect(config.source("CARILLON_PORT")).toBe("default");
  expect(config.source("DATABASE_URL")).toBe("unset");
});

test("the environment wins over the file, and the file over the default", () => {
  const files = { "./carillon.env": "CARILLON_PORT=9000\nCARILLON_HOST=0.0.0.0\n" };
  const config = load({ CARILLON_PORT: "9001" }, files);
  expect([config.require("CARILLON_PORT"), config.source("CARILLON_PORT")]).toEqual([
    9001,
    "environment",
  ]);
  expect([config.require("CARILLON_HOST"), config.source("CARILLON_HOST")]).toEqual([
    "0.0.0.0",
    "file",
  ]);
});

// Commands show these addresses, and so do answers and the API's description.
test.each([
  "CARILLON_PUBLIC_URL",
  "CARILLON_MODEL_BASE_URL",
  "CARILLON_FALLBACK_MODEL_BASE_URL",
  "TWILIO_API_BASE_URL",
])("%s with a password is refused without showing it", (name) => {
  const addresses = [
    "https://user:hush@example.com",
    "https://hush@example.com/v1",
    "htps://user:hush@example.com",
    "HTTPS://us@er:hu/hush@example.com",
    "user:hush@example.com",
  ];
  for (const address of addresses) {
    const faults = faultsOf({ [name]: address });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain("without a user name or password");
    expect(faults[0]).toContain("(hidden)@example.com");
    expect(faults[0]).not.toContain("hush");
  }
});

test("a variable set to nothing counts as not set", () => {
  expect(load({ CARILLON_PORT: "" }).source("CARILLON_PORT")).toBe("default");
});

test("a file may hold comments, blank lines and quotes", () => {
  const text = '# mine\r\n\r\nCARILLON_MODEL = "openai:gpt-5-mini"\r\n';
  expect(load({}, { "./carillon.env": text }).get("CARILLON_MODEL")).toBe("openai:gpt-5-mini");
});

test("a file that is named must exist", () => {
  expect(faultsOf({ CARILLON_CONFIG_FILE: "/nowhere.env" })).toEqual([
    "CARILLON_CONFIG_FILE names /nowhere.env, which does not exist.",
  ]);
  const config = load({ CARILLON_CONFIG_FILE: "/mine.env" }, { "/mine.env": "CARILLON_PORT=1" });
  expect(config.require("CARILLON_PORT")).toBe(1);
});

test("a line that is no setting, or one that stands twice, is pointed at", () => {
  const text = "CARILLON_PORT=1\nport: 2\nCARILLON_PORT=3";
  expect(faultsOf({}, { "./carillon.env": text })).toEqual([
    "Line 2 of the configuration file is not NAME=VALUE.",
    "CARILLON_PORT stands twice in the configuration file.",
  ]);
});

test("an unknown name is an error that names the nearest known one", () => {
  expect(faultsOf({ CARILLON_PUBLC_URL: "https://x.example" })).toEqual([
    "CARILLON_PUBLC_URL in the environment is not a setting. Did you mean CARILLON_PUBLIC_URL?",
  ]);
  expect(faultsOf({}, { "./carillon.env": "DATABASE_ULR=x" })).toEqual([
    "DATABASE_ULR in the configuration file is not a setting. Did you mean DATABASE_URL?",
  ]);
  expect(faultsOf({ CARILLON_constructor: "x" })).toHaveLength(1);
});

test("variables of other programs are none of our business", () => {
  expect(faultsOf({ PATH: "/bin", PGHOST: "x", TWILIO_REGION: "ie1", constructor: "x" })).toEqual(
    [],
  );
});

test("a value that breaks its rule is shown with the rule and an example", () => {
  expect(faultsOf({ CARILLON_PORT: "eighty" })).toEqual([
    'CARILLON_PORT must be a port from 0 to 65535; 0 picks a free one (it is "eighty"). ' +
      "Example: CARILLON_PORT=8080",
  ]);
});

test.for([
  ["CARILLON_PORT", "65536"],
  ["CARILLON_PORT", "-1"],
  ["CARILLON_PORT", "1e3"],
  ["CARILLON_PUBLIC_URL", "calls.example.com"],
  ["CARILLON_PUBLIC_URL", "ftp://calls.example.com"],
  ["CARILLON_ROLES", "api,dailer"],
  ["CARILLON_ROLES", ","],
  ["CARILLON_MODEL", "gpt-5"],
  ["CARILLON_MODEL", "openai:"],
  ["CARILLON_ALLOW_LOCAL_URLS", "yes"],
  ["CARILLON_ENCRYPTION_KEY", "00ff"],
  ["CARILLON_OPERATOR_TOKEN", "short"],
  ["DATABASE_URL", "mysql://x/y"],
  ["CARILLON_MAX_BODY_BYTES", "0"],
] as const)("%s=%s is refused", ([name, value]) => {
  expect(faultsOf({ [name]: value })[0]).toContain(`${name} must be `);
});

test("every fault is named at once", () => {
  expect(
    faultsOf({ CARILLON_PORT: "x", CARILLON_LOG_LEVEL: "loud", CARILLON_X: "1" }),
  ).toHaveLength(3);
});

test("a secret is shown neither in a fault nor in the table", () => {
  const secret = "hunter2-hunter2-hunter2";
  const fault = faultsOf({ CARILLON_ENCRYPTION_KEY: secret })[0];
  expect(fault).toContain("CARILLON_ENCRYPTION_KEY must be 32 bytes");
  expect(fault).not.toContain(secret);
  const config = load({
    CARILLON_OPERATOR_TOKEN: secret,
    DATABASE_URL: `postgresql://u:${secret}@h/d`,
    CARILLON_MODEL_API_KEY: secret,
  });
  const rows = describeConfig(config);
  expect(JSON.stringify(rows)).not.toContain(secret);
  expect(rows.find((row) => row.name === "DATABASE_URL")).toMatchObject({
    value: "(secret)",
    source: "environment",
  });
});

test("the table has a row for every setting", () => {
  expect(describeConfig(load({})).map((row) => row.name)).toEqual(settingNames());
});

test("an openai-compatible model without an address is refused", () => {
  expect(faultsOf({ CARILLON_MODEL: "openai-compatible:llama" })[0]).toContain(
    "CARILLON_MODEL_BASE_URL must say where the model is",
  );
});

test("defaults pass their own rules", () => {
  for (const name of settingNames()) {
    const setting: Setting = SETTINGS[name];
    if (setting.fallback === null) continue;
    expect(setting.schema.safeParse(setting.fallback).success, name).toBe(true);
  }
});

test("docs/settings.md is what the schema says (vitest -u writes it anew)", async () => {
  await expect(renderSettingsPage()).toMatchFileSnapshot("../../docs/settings.md");
});
