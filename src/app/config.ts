// Reads the configuration: environment first, then the file, then defaults. A key that is not in
// the list is an error that names the nearest one, because a typo in a setting must never dial
// anybody.

import { nearestName } from "../domain/nearest-name.ts";
import { SETTINGS, type Setting, type SettingName, type SettingValue } from "./config-schema.ts";

/** A KEY=VALUE file, read when it exists; CARILLON_CONFIG_FILE names another, which must exist. */
const DEFAULT_FILE = "./carillon.env";
const FILE_SETTING = "CARILLON_CONFIG_FILE";

export type ConfigSource = "environment" | "file" | "default" | "unset";

export interface Config {
  get<N extends SettingName>(name: N): SettingValue<N> | null;
  /** A setting that always has a value, by its default. */
  require<N extends SettingName>(name: N): SettingValue<N>;
  source(name: SettingName): ConfigSource;
}

export interface ConfigRow {
  readonly name: SettingName;
  /** Secrets are masked; an unset value is empty. */
  readonly value: string;
  readonly source: ConfigSource;
  readonly description: string;
}

/** What is wrong with the configuration, one sentence a fault. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/**
 * @param readFile answers null for a file that does not exist
 * @throws ConfigError naming every fault at once
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string | null,
): Config {
  const faults: string[] = [];
  const file = readSettingsFile(env[FILE_SETTING], readFile, faults);
  for (const name of Object.keys(env)) {
    if (name.startsWith("CARILLON_") && name !== FILE_SETTING)
      checkName(name, "the environment", faults);
  }
  for (const name of file.keys()) checkName(name, "the configuration file", faults);
  const values = new Map<SettingName, { value: unknown; source: ConfigSource }>();
  for (const name of settingNames())
    values.set(name, readSetting(name, env[name], file.get(name), faults));
  for (const name of ["CARILLON_MODEL", "CARILLON_FALLBACK_MODEL"] as const) {
    const isCompatible = String(values.get(name)?.value).startsWith("openai-compatible:");
    if (!isCompatible || values.get(`${name}_BASE_URL`)?.value !== null) continue;
    faults.push(
      `${name} is openai-compatible, so ${name}_BASE_URL must say where ` + "the model is.",
    );
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return configOf(values);
}

function configOf(
  values: ReadonlyMap<SettingName, { value: unknown; source: ConfigSource }>,
): Config {
  // The schema of the same name made the value.
  const get = <N extends SettingName>(name: N) =>
    (values.get(name)?.value ?? null) as SettingValue<N> | null;
  return {
    get,
    require: (name) => {
      const value = get(name);
      if (value === null) throw new Error(`${name} has no default`);
      return value;
    },
    source: (name) => values.get(name)?.source ?? "unset",
  };
}

function readSetting(
  name: SettingName,
  fromEnv: string | undefined,
  fromFile: string | undefined,
  faults: string[],
): { value: unknown; source: ConfigSource } {
  const setting: Setting = SETTINGS[name];
  // An empty text is how a shell unsets a variable.
  const [text, source]: [string | null, ConfigSource] =
    fromEnv !== undefined && fromEnv !== ""
      ? [fromEnv, "environment"]
      : fromFile !== undefined && fromFile !== ""
        ? [fromFile, "file"]
        : [setting.fallback, setting.fallback === null ? "unset" : "default"];
  if (text === null) return { value: null, source };
  const parsed = setting.schema.safeParse(text);
  if (parsed.success) return { value: parsed.data, source };
  const shown =
    setting.isSecret === true ? "" : ` (it is ${JSON.stringify(withoutPassword(text))})`;
  faults.push(`${name} must be ${setting.rule}${shown}. Example: ${name}=${setting.example}`);
  return { value: null, source };
}

/** What stands before an @ may be a password, also in an address that is none. */
function withoutPassword(text: string): string {
  return text.replace(/^([a-z+]*:\/\/)?.*@/is, "$1(hidden)@").slice(0, 100);
}

function checkName(name: string, where: string, faults: string[]): void {
  if (Object.hasOwn(SETTINGS, name)) return;
  const nearest = nearestName(name, settingNames());
  const hint = nearest === null ? "" : ` Did you mean ${nearest}?`;
  faults.push(`${name} in ${where} is not a setting.${hint}`);
}

function readSettingsFile(
  named: string | undefined,
  readFile: (path: string) => string | null,
  faults: string[],
): ReadonlyMap<string, string> {
  const isNamed = named !== undefined && named !== "";
  const text = readFile(isNamed ? named : DEFAULT_FILE);
  if (text === null) {
    if (isNamed) faults.push(`${FILE_SETTING} names ${named}, which does not exist.`);
    return new Map();
  }
  const values = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const match = /^([A-Z][A-Z0-9_]*)\s*=\s*(.*)$/.exec(trimmed);
    const name = match?.[1] ?? "";
    if (match === null)
      faults.push(`Line ${index + 1} of the configuration file is not ` + "NAME=VALUE.");
    else if (values.has(name)) faults.push(`${name} stands twice in the configuration file.`);
    else values.set(name, (match[2] ?? "").replace(/^(["'])(.*)\1$/, "$2"));
  }
  return values;
}

export function settingNames(): readonly SettingName[] {
  return Object.keys(SETTINGS) as SettingName[];
}

/** Every setting with its value and source, for `carillon config`. */
export function describeConfig(config: Config): readonly ConfigRow[] {
  return settingNames().map((name) => {
    const setting: Setting = SETTINGS[name];
    const value = config.get(name);
    const shown = value === null ? "" : setting.isSecret === true ? "(secret)" : shownValue(value);
    return { name, value: shown, source: config.source(name), description: setting.description };
  });
}

function shownValue(value: unknown): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** docs/settings.md. */
export function renderSettingsPage(): string {
  const rows = settingNames().map((name) => {
    const setting: Setting = SETTINGS[name];
    const fallback =
      setting.fallback === null ? (setting.fallbackNote ?? "none") : `\`${setting.fallback}\``;
    const secret = setting.isSecret === true ? " Secret." : "";
    return `| \`${name}\` | ${fallback} | ${setting.rule} | ${setting.description}${secret} |`;
  });
  return [
    "# Settings",
    "",
    "Read from the environment, then from the file `carillon.env` (lines of `NAME=VALUE`; " +
      "`CARILLON_CONFIG_FILE` names",
    "another), then from the defaults. A name that is not in this list is an error. `carillon " +
      "config` shows what is in",
    "force and where each value came from. This page is made from the schema.",
    "",
    "| setting | default | rule | what it is for |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
