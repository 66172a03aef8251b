// The file of a backup: a line that says what it is, then one zstd stream of records (kind,
// length, payload): a header, and for each table its data as COPY writes it, with the count and the
// checksum at its end. A file without the last record was cut short. Never overwrites a file, and
// is readable by its owner alone: it holds phone numbers and transcripts.

import { open, link, rm, type FileHandle } from "node:fs/promises";
import { pipeline as connect, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, createZstdDecompress } from "node:zlib";
import { z } from "zod";

const MAGIC = Buffer.from("carillon backup 1\n");
const RECORD_HEAD_BYTES = 5;
const READ_BYTES = 64 * 1024;
/** A record is a piece of COPY's stream or a header: far below this unless the file is damaged. */
const MAX_RECORD_BYTES = 256 * 1024 * 1024;

export const BackupHeader = z.object({
  carillonVersion: z.string(),
  /** Milliseconds since 1970 on the database's clock. Whatever was committed later is not in it. */
  takenAt: z.number(),
  /** Applied migrations, in order. */
  migrations: z.array(z.string()),
  /** Which encryption key its secrets need; null: it holds none. */
  keyId: z.string().nullable(),
  /** The key itself, in hex, when it was asked for. */
  encryptionKey: z.string().nullable(),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
  /** The last number each identity column gave out. */
  sequences: z.array(z.object({ table: z.string(), column: z.string(), last: z.number() })),
});
export type BackupHeader = z.infer<typeof BackupHeader>;

export const TableEnd = z.object({ name: z.string(), rows: z.number(), sha256: z.string() });
export type TableEnd = z.infer<typeof TableEnd>;

export type BackupRecord =
  | { readonly kind: "header"; readonly header: BackupHeader }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "table_end"; readonly table: TableEnd }
  | { readonly kind: "end" };

const CODES = { header: 1, data: 2, table_end: 3, end: 4 } as const;

/** Writes the records to a new file, on the disk before this resolves. */
export async function writeBackupFile(
  path: string,
  records: AsyncIterable<BackupRecord>,
): Promise<void> {
  const draft = `${path}.partial`;
  const handle = await open(draft, "wx", 0o600).catch((error: unknown) => {
    throw describeOpen(error, draft);
  });
  try {
    await handle.writeFile(MAGIC);
    await pipeline(
      Readable.from(encode(records)),
      createZstdCompress(),
      async (compressed: AsyncIterable<Uint8Array>) => {
        // From where the last write ended.
        for await (const bytes of compressed) await handle.writeFile(bytes);
      },
    );
    await handle.sync();
    await handle.close();
    // Fails when there is one: a backup is never overwritten.
    await link(draft, path).catch((error: unknown) => {
      throw describeOpen(error, path);
    });
  } finally {
    await handle.close().catch(() => {});
    await rm(draft, { force: true });
  }
}

function describeOpen(error: unknown, path: string): unknown {
  const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
  return exists ? new Error(`${path} exists already. Name another file, or remove it.`) : error;
}

async function* encode(records: AsyncIterable<BackupRecord>): AsyncGenerator<Uint8Array> {
  for await (const record of records) {
    const payload = payloadOf(record);
    const head = Buffer.alloc(RECORD_HEAD_BYTES);
    head.writeUInt8(CODES[record.kind]);
    head.writeUInt32BE(payload.length, 1);
    yield head;
    yield payload;
  }
}

function payloadOf(record: BackupRecord): Uint8Array {
  switch (record.kind) {
    case "header":
      return Buffer.from(JSON.stringify(record.header));
    case "data":
      return record.bytes;
    case "table_end":
      return Buffer.from(JSON.stringify(record.table));
    case "end":
      return Buffer.alloc(0);
  }
}

/**
 * The records of a file, in order.
 * @throws Error when it is no backup, is damaged, or was cut short
 */
export async function* readBackupFile(path: string): AsyncGenerator<BackupRecord> {
  const handle = await open(path, "r").catch((error: unknown) => {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw isMissing ? new Error(`There is no file ${path}.`) : error;
  });
  try {
    await checkMagic(handle, path);
    // What fails in the middle destroys the end, whose reader hears of it.
    const plain = connect(Readable.from(chunksOf(handle)), createZstdDecompress(), () => {});
    const bytes = new ByteReader(plain);
    for (;;) {
      const record = await readRecord(bytes, path);
      yield record;
      if (record.kind === "end") return;
    }
  } finally {
    await handle.close();
  }
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = MAGIC.length; ;) {
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(READ_BYTES),
      0,
      READ_BYTES,
      position,
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

async function checkMagic(handle: FileHandle, path: string): Promise<void> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
  if (buffer.subarray(0, bytesRead).equals(MAGIC)) return;
  const isOther = buffer.subarray(0, 15).equals(MAGIC.subarray(0, 15));
  throw new Error(
    isOther
      ? `${path} is a backup in another format: restore it with the Carillon that made it.`
      : `${path} is not a backup that \`carillon backup\` made.`,
  );
}

async function readRecord(bytes: ByteReader, path: string): Promise<BackupRecord> {
  const damaged = (cause: unknown): Error =>
    new Error(`${path} is damaged or was cut short; nothing of it is used.`, { cause });
  try {
    const head = await bytes.take(RECORD_HEAD_BYTES);
    const length = head.readUInt32BE(1);
    if (length > MAX_RECORD_BYTES) throw new Error("a record too large");
    return decode(head.readUInt8(0), await bytes.take(length));
  } catch (error) {
    throw damaged(error);
  }
}

function decode(code: number, payload: Buffer): BackupRecord {
  const json = (): unknown => JSON.parse(payload.toString("utf8"));
  switch (code) {
    case CODES.header:
      return { kind: "header", header: BackupHeader.parse(json()) };
    case CODES.data:
      return { kind: "data", bytes: payload };
    case CODES.table_end:
      return { kind: "table_end", table: TableEnd.parse(json()) };
    case CODES.end:
      return { kind: "end" };
    default:
      throw new Error(`no record has the kind ${code}`);
  }
}

/** Takes exact numbers of bytes out of a stream. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** @throws Error when the stream ends first */
  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const next = await this.#chunks.next();
      if (next.done === true) throw new Error("the stream ended");
      pieces.push(Buffer.from(next.value));
      have += next.value.length;
    }
    const all = pieces.length === 1 ? this.#rest : Buffer.concat(pieces);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }
}
