// The one real database of a simulated world, behind the Database port of each process. Statements
// go one at a time, transactions one after another in an order drawn by the seed, over one
// connection. A process may die or lose its connection between any two statements; its open
// transaction is then rolled back, as the server would.

import pg from "pg";
import { columnTypes } from "../../src/app/database-columns.ts";
import { AppError } from "../../src/domain/app-error.ts";
import type { Database, Queryable, QueryResult, Row } from "../../src/ports/database.ts";
import type { Dice } from "../../src/simulator/dice.ts";
import type { Journal } from "./journal.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Timeline } from "./timeline.ts";

/** What may go wrong with a statement. Probabilities per statement. */
export interface DatabaseFaults {
  /** The connection breaks; whether the statement was carried out is drawn. */
  readonly broken: number;
  /** The server takes up to `slowMs`. */
  readonly slow: number;
  readonly slowMs: number;
  /** Per transaction: the server asks to run it again instead of committing. */
  readonly rerun: number;
}

export interface DeskParts {
  readonly connection: WorldConnection;
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly dice: Dice;
  readonly faults: () => DatabaseFaults;
  /** Something was committed that another process could act on. */
  readonly onWrite: () => void;
  /** A claim was committed: calls are reserved. */
  readonly onClaim: () => void;
}

/** A transaction under way, or one whose connection broke. */
interface OpenTransaction {
  readonly process: SimulatedProcess;
  isLost: boolean;
  /** The server was told of it: with its first write. Until then nothing could be undone. */
  isBegun: boolean;
  hasWritten: boolean;
  hasClaimed: boolean;
}

const MAX_RERUNS = 5;
/** The server cuts a transaction whose process does nothing for this long. */
const IDLE_IN_TRANSACTION_MS = 10_000;
const COMMIT_CRASH_WEIGHT = 6;

export class DatabaseDesk {
  readonly #parts: DeskParts;
  #owner: OpenTransaction | null = null;
  #waiting: (() => Promise<void>)[] = [];

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** `onCommitted` runs with every commit of a transaction, also when its process dies of it. */
  databaseOf(process: SimulatedProcess, onCommitted?: () => Promise<void>): Database {
    return {
      query: <R extends Row>(text: string, values?: readonly unknown[]) =>
        this.#alone<R>(process, text, values),
      copyFrom: notSimulated,
      transaction: (work) => this.#transaction(process, work, onCommitted),
    };
  }

  /** The process is gone: the server rolls back what it had not committed. */
  async abandon(process: SimulatedProcess): Promise<void> {
    if (this.#owner?.process === process) await this.#lose(this.#owner);
  }

  /** A process stopped in the middle of a transaction keeps others waiting only so long. */
  cutIfStopped(process: SimulatedProcess, until: number): void {
    const owner = this.#owner;
    const { timeline } = this.#parts;
    if (owner?.process !== process || until - timeline.now() <= IDLE_IN_TRANSACTION_MS) return;
    timeline.after(IDLE_IN_TRANSACTION_MS, () => this.#lose(owner));
  }

  #alone<R extends Row>(
    process: SimulatedProcess,
    text: string,
    values: readonly unknown[] | undefined,
  ): Promise<QueryResult<R>> {
    const isBroken = this.#parts.dice.chance(this.#parts.faults().broken);
    return process.ask({
      what: nameOf(text),
      latencyMs: this.#latencyMs(),
      crashWeight: 1,
      isFree: () => this.#owner === null,
      wait: (again) => this.#waiting.push(again),
      run: async () => {
        if (isBroken && this.#parts.dice.chance(0.5)) throw unavailable();
        const result = await this.#run<R>(process, text, values);
        if (result.rowCount > 0 && isWrite(text)) this.#parts.onWrite();
        if (isBroken) throw unavailable();
        return result;
      },
    });
  }

  async #transaction<T>(
    process: SimulatedProcess,
    work: (tx: Queryable) => Promise<T>,
    onCommitted?: () => Promise<void>,
  ): Promise<T> {
    for (let reruns = 0; ; reruns += 1) {
      const open = await this.#begin(process);
      try {
        const result = await work(this.#queryableIn(open));
        const isCommitted = await this.#commit(open, reruns < MAX_RERUNS, onCommitted);
        if (isCommitted) return result;
      } catch (error) {
        if (this.#owner === open) await this.#rollBack(open);
        throw error;
      }
    }
  }

  #begin(process: SimulatedProcess): Promise<OpenTransaction> {
    return process.ask({
      what: "begin",
      latencyMs: this.#latencyMs(),
      crashWeight: 0,
      isFree: () => this.#owner === null,
      wait: (again) => this.#waiting.push(again),
      run: () => {
        const open = {
          process,
          isLost: false,
          isBegun: false,
          hasWritten: false,
          hasClaimed: false,
        };
        this.#owner = open;
        return open;
      },
    });
  }

  #queryableIn(open: OpenTransaction): Queryable {
    return {
      query: <R extends Row>(text: string, values?: readonly unknown[]) => {
        const isBroken = this.#parts.dice.chance(this.#parts.faults().broken);
        return open.process.ask({
          what: nameOf(text),
          latencyMs: this.#latencyMs(),
          crashWeight: 1,
          run: async () => {
            if (open.isLost) throw unavailable();
            if (isBroken) {
              await this.#lose(open);
              throw unavailable();
            }
            if (!open.isBegun && isWrite(text)) {
              await this.#parts.connection.run("begin");
              open.isBegun = true;
            }
            const result = await this.#run<R>(open.process, text, values);
            if (result.rowCount > 0 && isWrite(text)) open.hasWritten = true;
            open.hasClaimed ||= text.startsWith("insert into calls");
            return result;
          },
        });
      },
      copyFrom: notSimulated,
    };
  }

  #commit(
    open: OpenTransaction,
    mayRerun: boolean,
    onCommitted?: () => Promise<void>,
  ): Promise<boolean> {
    const { dice, faults, connection } = this.#parts;
    const isBroken = dice.chance(faults().broken);
    const isRerun = mayRerun && dice.chance(faults().rerun);
    return open.process.ask({
      what: "commit",
      latencyMs: this.#latencyMs(),
      crashWeight: open.hasWritten ? COMMIT_CRASH_WEIGHT : 1,
      run: async () => {
        if (open.isLost) throw unavailable();
        if (open.isBegun) await connection.run(isRerun ? "rollback" : "commit");
        this.#release();
        if (isRerun) return false;
        if (open.hasWritten) this.#parts.onWrite();
        if (open.hasClaimed) this.#parts.onClaim();
        await onCommitted?.();
        // Committed, and nobody was told.
        if (isBroken) throw unavailable();
        return true;
      },
    });
  }

  #rollBack(open: OpenTransaction): Promise<void> {
    return open.process.ask({
      what: "rollback",
      latencyMs: 0,
      crashWeight: 0,
      run: async () => {
        if (this.#owner === open) await this.#lose(open);
      },
    });
  }

  async #lose(open: OpenTransaction): Promise<void> {
    if (this.#owner !== open) return;
    open.isLost = true;
    if (open.isBegun) await this.#parts.connection.run("rollback");
    this.#release();
  }

  #release(): void {
    this.#owner = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    // Whoever is drawn first goes first; the others come again behind it.
    while (waiting.length > 0) {
      const index = Math.floor(this.#parts.dice.fraction() * waiting.length);
      const [next] = waiting.splice(index, 1);
      if (next !== undefined) this.#parts.timeline.after(0, next);
    }
  }

  async #run<R extends Row>(
    process: SimulatedProcess,
    text: string,
    values: readonly unknown[] | undefined,
  ): Promise<QueryResult<R>> {
    const { journal, timeline, connection } = this.#parts;
    const result = await connection.query<R>(text, values);
    if (result.rowCount > 0 && isWrite(text)) {
      journal.note(timeline.now(), `${process.name} sql ${nameOf(text)} ${result.rowCount}`);
    }
    return result;
  }

  #latencyMs(): number {
    const { dice, faults } = this.#parts;
    const { slow, slowMs } = faults();
    const usualMs = dice.fraction() * 2;
    return dice.chance(slow) ? dice.between(0, slowMs) : usualMs;
  }
}

/** Two connections to one database: the product's, and one that reads what is committed. */
export interface WorldConnection {
  query<R extends Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>>;
  run(text: string): Promise<void>;
  observe<R extends Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** The observer's connection as the store wants one. */
  readonly observer: Queryable;
  close(): Promise<void>;
}

// Generic plans, made once: what a statement does must not depend on how often it ran before.
const SESSION_OPTIONS =
  "-c timezone=UTC -c datestyle=ISO -c jit=off -c plan_cache_mode=force_generic_plan";

export async function connectWorld(connectionString: string): Promise<WorldConnection> {
  const config = { connectionString, types: columnTypes, options: SESSION_OPTIONS };
  const product = new pg.Client(config);
  const observer = new pg.Client(config);
  await Promise.all([product.connect(), observer.connect()]);
  const names = new Map<string, string>();
  const prepared = (text: string, values: readonly unknown[] | undefined) => {
    const name = names.get(text) ?? `s${names.size}`;
    names.set(text, name);
    return { name, text, values: [...(values ?? [])] };
  };
  return {
    query: async <R extends Row>(text: string, values?: readonly unknown[]) => {
      const result = await product.query<R>(prepared(text, values));
      return { rows: result.rows, rowCount: result.rowCount ?? 0 };
    },
    run: async (text) => {
      await product.query(text);
    },
    observe: async <R extends Row>(text: string, values?: readonly unknown[]) =>
      (await observer.query<R>(prepared(text, values))).rows,
    observer: {
      query: async <R extends Row>(text: string, values?: readonly unknown[]) => {
        const result = await observer.query<R>(prepared(text, values));
        return { rows: result.rows, rowCount: result.rowCount ?? 0 };
      },
      copyFrom: notSimulated,
    },
    close: async () => {
      await Promise.all([product.end(), observer.end()]);
    },
  };
}

function isWrite(text: string): boolean {
  let known = writes.get(text);
  if (known === undefined) {
    known = /\b(insert into|delete from|update)\b/.test(text.replaceAll("for update", ""));
    writes.set(text, known);
  }
  return known;
}
const writes = new Map<string, boolean>();

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = text.trim().replaceAll(/\s+/g, " ").slice(0, 48);
    names.set(text, name);
  }
  return name;
}
const names = new Map<string, string>();

function unavailable(): AppError {
  return new AppError("database_unavailable", {
    message: "The connection to the database broke.",
    retryable: true,
  });
}

function notSimulated(): never {
  throw new Error("the engine copies nothing");
}
