import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { messageOf, systemCode } from "../../lib/errors.ts";
import { makeFolder, syncPath, writeTemporary } from "../durable-file.ts";
import { StoreRefused } from "../errors.ts";

/** What a machine remembers of the fleet's database: that of the newest commit which it has told anybody of. */
export interface Mark {
  /** Empty before the first commit. */
  systemId: string;
  timeline: string;
  epoch: number;
  generation: number;
  /** The agent's time then, and this machine's uptime: how far that time may have come since. */
  at: number;
  uptimeMs: number;
  bootId: string;
}

/** The mark as it was found. With `problem` it says nothing that can be relied on, and was to say something. */
export interface Reading {
  mark: Mark;
  problem: string | null;
}

/** Of a machine that has taken part in nothing yet. */
export const BLANK: Mark = {
  systemId: "",
  timeline: "",
  epoch: 0,
  generation: 0,
  at: 0,
  uptimeMs: 0,
  bootId: "",
};

/** The whole file in one sector of a disk, which is written as a whole or not at all. */
const SIZE = 512;

const sync = promisify(fdatasync);

/** The file of the mark, which the processes of a machine share. */
export class MarkFile {
  readonly path: string;
  #file: number | null = null;
  /** The file as it was looked at last. */
  #text: string | null = null;
  #found: Reading = { mark: BLANK, problem: null };
  /** The highest that this process knows, whatever becomes of the file. */
  #known = BLANK;

  /** @param state the folder of the machine's state. */
  constructor(state: string) {
    this.path = markPath(state);
  }

  /** What is remembered. Looks each time: another process of this machine may have raised it. */
  read(): Reading {
    const found = this.#look();
    if (found.problem !== null) return found;
    if (isBelow(found, this.#known)) return { mark: this.#known, problem: null };
    this.#known = found.mark;
    return found;
  }

  /**
   * Raises the mark, unless another process has already raised it further. Where something was bought, it is on the disk then; else the
   * system may take its time: a power cut forgets no purchase, and a lower mark is no wrong one.
   * @throws StoreRefused: what is not remembered is not told.
   */
  async raise(mark: Mark, isBought: boolean): Promise<void> {
    this.#known = mark;
    try {
      // Two processes that write at once overwrite each other: whoever finds less than its own afterwards writes again.
      do {
        while (isBelow(this.#look(), mark)) writeSync(this.#open(), textOf(mark), 0, "utf8");
        // Also what another process has raised further, and maybe not put on the disk.
        if (isBought) await sync(this.#open());
      } while (isBelow(this.#look(), mark));
    } catch (error) {
      const message = `cannot write ${this.path} (${messageOf(error)}): what the database has acknowledged must be remembered here. Mend the disk or the rights of its folder`;
      throw new StoreRefused("store_unwritable", message, { cause: error });
    }
  }

  #look(): Reading {
    try {
      const bytes = Buffer.alloc(SIZE);
      const text = bytes.toString("utf8", 0, readSync(this.#open(), bytes, 0, SIZE, 0));
      if (text !== this.#text) [this.#text, this.#found] = [text, readingOf(this.path, text)];
      return this.#found;
    } catch (error) {
      return { mark: BLANK, problem: `${this.path} cannot be read (${messageOf(error)})` };
    }
  }

  #open(): number {
    if (this.#file !== null && fstatSync(this.#file).nlink > 0) return this.#file;
    const wasDeleted = this.#file !== null;
    this.close();
    makeMark(this.path, wasDeleted ? this.#known : null);
    this.#file = openSync(this.path, constants.O_RDWR | constants.O_NOFOLLOW);
    return this.#file;
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

/** Where the mark of a state is. */
export function markPath(state: string): string {
  return join(state, "fleet-mark.json");
}

/** Forgets what a machine remembers, where a person gives it another database on purpose. */
export function dropMark(state: string): void {
  rmSync(markPath(state), { force: true });
}

/** The mark of a state, for those who only look: nothing is made. Null where there is none. */
export function peekMark(state: string): Reading | null {
  const path = markPath(state);
  if (!existsSync(path)) return null;
  try {
    return readingOf(path, readFileSync(path, "utf8"));
  } catch (error) {
    return { mark: BLANK, problem: `${path} cannot be read (${messageOf(error)})` };
  }
}

function readingOf(path: string, text: string): Reading {
  const mark = parse(text);
  return { mark: mark ?? BLANK, problem: mark === null ? `${path} ${problemOf(text)}` : null };
}

/**
 * Makes the file where there is none, whole from the beginning: with what the process remembers that had it open. A process that
 * has not, on a machine that has taken part before, finds it missing and not new.
 */
function makeMark(path: string, known: Mark | null): void {
  if (existsSync(path)) return;
  const folder = dirname(path);
  makeFolder(folder);
  const isNew = known !== null || !existsSync(join(folder, "machine.json"));
  const temporary = writeTemporary(folder, isNew ? textOf(known ?? BLANK) : MISSING);
  try {
    linkSync(temporary, path);
  } catch (error) {
    // Another process was faster.
    if (systemCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  syncPath(folder);
}

const MISSING = "missing\n";

function problemOf(text: string): string {
  return text === MISSING ? "was deleted" : "is damaged";
}

/** @throws Error where it would not fit. */
function textOf(mark: Mark): string {
  const text = JSON.stringify(mark).padEnd(SIZE - 1);
  if (text.length >= SIZE) throw new Error(`${text.length} characters are too many for it`);
  return `${text}\n`;
}

function parse(text: string): Mark | null {
  try {
    const { systemId, timeline, epoch, generation, at, uptimeMs, bootId } = JSON.parse(text);
    const texts = [systemId, timeline, bootId].every((each) => typeof each === "string");
    const numbers = [epoch, generation, at, uptimeMs].every(
      (each) => Number.isSafeInteger(each) && each >= 0,
    );
    return texts && numbers ? { systemId, timeline, epoch, generation, at, uptimeMs, bootId } : null;
  } catch {
    // Whatever it is, it is no mark.
    return null;
  }
}

function isBelow({ mark, problem }: Reading, other: Mark): boolean {
  if (problem !== null || mark.epoch < other.epoch) return true;
  return mark.epoch === other.epoch && mark.generation < other.generation;
}
