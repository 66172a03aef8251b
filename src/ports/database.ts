// PostgreSQL as the store sees it: text and values in, rows out. Every statement lives in
// src/store. timestamptz columns arrive as Instants (epoch ms, numbers), bigint and numeric as
// numbers, date as "YYYY-MM-DD". An instant goes in as an ISO string made by `sqlInstant`
// (src/store/sql-instant.ts).

export type Row = Record<string, unknown>;

export interface QueryResult<R extends Row> {
  readonly rows: readonly R[];
  /** Rows changed by an insert, update or delete; rows returned by a select. */
  readonly rowCount: number;
}

/**
 * `each_time`: with the values at hand, the default. `once`: once for each connection, for a long
 * statement that runs several times a second and whose best plan is the same for all values.
 */
export type Planning = "each_time" | "once";

export interface Queryable {
  /**
   * Runs one statement. `$1…` placeholders only; values are never spliced into text.
   * @throws AppError `database_unavailable` (retryable) when no connection can be had or it broke;
   *         any other database error as the driver gave it, with its SQLSTATE in `code`.
   */
  query<R extends Row = Row>(
    text: string,
    values?: readonly unknown[],
    planning?: Planning,
  ): Promise<QueryResult<R>>;
  /**
   * Feeds COPY … FROM STDIN with chunks of its text format, in order, with back-pressure. Answers
   * the number of rows. Chunks need not end at row ends.
   */
  copyFrom(text: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number>;
}

export interface Database extends Queryable {
  /**
   * Runs `work` in one READ COMMITTED transaction and commits. A deadlock (40P01) or serialisation
   * failure (40001) reruns the whole of `work`, at most 5 times; so `work` must have no effect
   * outside the transaction.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
}
