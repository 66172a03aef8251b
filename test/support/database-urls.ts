// Names and addresses inside the test cluster. Apart from the setup that runs once, so that test
// files can import it.

/** Migrated once per run; every test database is a clone of it. */
export const TEMPLATE_DATABASE = "carillon_template";

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}
