// What a backup has to hold, read from the database itself: every table with its columns, in an
// order in which each comes after those it refers to.

import type { Row } from "../../ports/database.ts";

type Ask = <R extends Row>(text: string, values?: readonly unknown[]) => Promise<readonly R[]>;

export interface TableColumns extends Row {
  readonly name: string;
  readonly columns: readonly string[];
}

/** The schema's own log, and processes that run on this database and on no other. */
const NOT_CARRIED = ["schema_migrations", "processes"];

/** @throws Error when tables refer to each other in a circle */
export async function listTables(ask: Ask): Promise<readonly TableColumns[]> {
  const tables = await ask<TableColumns>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       and not a.attisdropped and a.attgenerated = ''
     where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname <> all($1)
     group by c.relname order by c.relname`,
    [NOT_CARRIED],
  );
  const references = await ask<{ child: string; parent: string }>(
    `select conrelid::regclass::text as child, confrelid::regclass::text as parent
     from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace`,
  );
  return inOrder(tables, references);
}

function inOrder(
  tables: readonly TableColumns[],
  references: readonly { readonly child: string; readonly parent: string }[],
): readonly TableColumns[] {
  const ordered: TableColumns[] = [];
  const done = new Set<string>();
  while (ordered.length < tables.length) {
    const next = tables.find(
      ({ name }) =>
        !done.has(name) &&
        references.every(
          ({ child, parent }) => child !== name || parent === name || done.has(parent),
        ),
    );
    if (next === undefined) throw new Error("tables refer to each other in a circle");
    ordered.push(next);
    done.add(next.name);
  }
  return ordered;
}

/** Identity columns with the last number each gave out; those that gave none are left out. */
export async function listSequences(
  ask: Ask,
): Promise<readonly { readonly table: string; readonly column: string; readonly last: number }[]> {
  const columns = await ask<{ table: string; column: string; sequence: string }>(
    `select c.relname as table, a.attname as column,
       pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attidentity <> '' and not a.attisdropped
     where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace order by 1, 2`,
  );
  const sequences = [];
  for (const { table, column, sequence } of columns) {
    const [state] = await ask<{ last: number; called: boolean }>(
      `select last_value as last, is_called as called from ${sequence}`,
    );
    if (state?.called === true) sequences.push({ table, column, last: state.last });
  }
  return sequences;
}

/** One of the secrets that are stored encrypted, in whatever table; null: there is none. */
export async function findSecret(ask: Ask): Promise<Uint8Array | null> {
  const columns = await ask<{ table: string; column: string }>(
    `select c.relname as table, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and not a.attisdropped
       and a.atttypid = 'bytea'::regtype and a.attname like '%\\_encrypted' order by 1, 2`,
  );
  for (const { table, column } of columns) {
    const name = quoteName(column);
    const [row] = await ask<{ box: Uint8Array }>(
      `select ${name} as box from ${quoteName(table)} where ${name} is not null limit 1`,
    );
    if (row !== undefined) return row.box;
  }
  return null;
}

/** A name for a statement; names in a backup are checked against what the schema has. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function copyTarget(table: TableColumns): string {
  return `${quoteName(table.name)} (${table.columns.map(quoteName).join(", ")})`;
}
