import type { Dirent } from "node:fs";
import { extname, resolve } from "node:path";
import { oneLine, plural } from "../../../lib/text.ts";
import { shortHash } from "../../items/identity.ts";
import { ITEMS_PER_SOURCE_MAX, newestItems, type RawItem } from "../../items/item.ts";
import { readMail } from "../mail/mail.ts";
import { isMaildir, listMaildir, maildirName } from "../mail/maildir.ts";
import { lastMessages } from "../mail/mbox.ts";
import type { ByteRange } from "../mail/mime.ts";
import { ownText } from "../mail/own-text.ts";
import { type OpenFile, withFile } from "../read-file.ts";
import { type Collected, isSourceFailure } from "../source.ts";
import { fileType, type ListedFile, type Listing, listFolder } from "./list-folder.ts";
import { readNote } from "./note.ts";
import { createOmissions, type Omissions } from "./omissions.ts";
import { type FolderSource, folderLabel } from "./settings.ts";

/** What mail servers keep in an mbox beside the mails. */
const FOLDER_DATA = /FOLDER INTERNAL DATA$/;
const CUT_NAMED_MAX = 5;
const BYTES_MAX = 16 * 1024 * 1024;
/** Of all mbox files of a folder together. */
const MESSAGES_MAX = 1_000;
/** What identifies a file that has no identifier of its own: more of it changes nothing for anyone. */
const IDENTITY_BYTES_MAX = 1024 * 1024;

/** One run over a folder. */
interface Run {
  bytesMax: number;
  filesMax: number;
  signal: AbortSignal;
  notes: Omissions;
  /** Names of files of which only the beginning was read. */
  cut: string[];
}

/**
 * Every .txt, .md, .eml and .mbox file directly in the folder, or the mails of a Maildir; the newest. What does not fit is
 * read as far as it does: the head of a file, the last messages of an mbox. The rest is counted and noted.
 * @throws SourceUnreadable when the folder itself cannot be read.
 */
export async function collectFolder(
  source: FolderSource,
  context: { base: string; signal: AbortSignal },
): Promise<Collected> {
  const run = startRun(context.signal, source);
  const { files, isMail } = await listSource(resolve(context.base, source.folder), run);
  const raws: RawItem[] = [];
  for (const [index, file] of files.entries()) {
    context.signal.throwIfAborted();
    if (raws.length >= MESSAGES_MAX) {
      run.notes.add(
        `${files.length - index} older files were not read, as ${MESSAGES_MAX} messages came before`,
      );
      break;
    }
    try {
      const read = (open: OpenFile) => readItems({ ...file, isMail }, open, run);
      raws.push(...(await withFile(file.path, { followLinks: false }, read)));
    } catch (error) {
      if (!isSourceFailure(error)) throw error;
      run.notes.add(`left out ${oneLine(file.name, 80)}: ${error.message.replace(`${file.path}: `, "")}`);
    }
  }
  if (run.cut.length > 0) run.notes.add(cutNote(run));
  const itemsMax = run.filesMax;
  // A name that the owner gave stands for all that comes from there.
  if (source.name !== undefined) for (const raw of raws) raw.sender = undefined;
  return { items: newestItems(raws, folderLabel(source), { itemsMax }), notes: run.notes.list() };
}

function startRun(signal: AbortSignal, { max_bytes, max_items }: Omit<FolderSource, "folder">): Run {
  const bounds = { bytesMax: max_bytes ?? BYTES_MAX, filesMax: max_items ?? ITEMS_PER_SOURCE_MAX };
  return { ...bounds, signal, notes: createOmissions(), cut: [] };
}

function cutNote({ bytesMax, cut }: Run): string {
  const named = cut.slice(0, CUT_NAMED_MAX).join(", ");
  const more = cut.length > CUT_NAMED_MAX ? `, … (max_bytes can be raised)` : " (max_bytes can be raised)";
  return `only the first ${bytesMax} bytes of ${plural(cut.length, "file")} were read: ${named}${more}`;
}

/**
 * What is to be said of the folder as it is now, without reading what is in its files.
 * @throws SourceUnreadable when it cannot be read.
 */
export async function inspectFolder(folder: string, signal: AbortSignal): Promise<string[]> {
  const run = startRun(signal, {});
  await listSource(folder, run);
  return run.notes.list();
}

async function listSource(folder: string, run: Run): Promise<Listing & { isMail: boolean }> {
  const isMail = await isMaildir(folder);
  const listing = isMail
    ? await listMaildir(folder, run)
    : await listFolder(folder, { ...run, typeOf: passedOverAs });
  const { files, total, passedOver } = listing;
  if (total > files.length) run.notes.add(`only the newest ${files.length} of ${total} files were read`);
  const count = [...passedOver.values()].reduce((sum, each) => sum + each, 0);
  // In one order, whatever the counts, so that the same types read the same.
  const types = [...passedOver]
    .toSorted(([a], [b]) => Number(a > b) - Number(a < b))
    .map(([type, each]) => `${each} ${type}`)
    .join(", ");
  if (count > 0) run.notes.add(`passed over ${count} that afk does not read: ${types}`);
  return { ...listing, isMail };
}

function passedOverAs(entry: Dirent): string | null {
  return /^\.(?:txt|md|markdown|eml|mbox)$/i.test(extname(entry.name)) ? null : fileType(entry);
}

async function readItems(
  file: ListedFile & { isMail: boolean },
  open: OpenFile,
  run: Run,
): Promise<RawItem[]> {
  const whole = { start: 0, end: open.sizeBytes, read: open.read, isQuoted: false };
  const name = file.isMail ? maildirName(file.name) : file.name;
  if (file.isMail || /\.eml$/i.test(name)) return [await mailItem(name, whole, open.modifiedMs, run)];
  if (/\.mbox$/i.test(name)) return await mboxItems(name, open, run);
  const bytes = await open.read(0, Math.min(open.sizeBytes, run.bytesMax));
  if (open.sizeBytes > bytes.length) run.cut.push(oneLine(name, 80));
  return [{ ...readNote({ name, modifiedMs: open.modifiedMs }, bytes), id: await contentId(name, whole) }];
}

async function mboxItems(name: string, open: OpenFile, run: Run): Promise<RawItem[]> {
  const tail = await lastMessages(open, { bytesMax: run.bytesMax, messagesMax: run.filesMax });
  const count = tail.messages.length;
  if (tail.before > 0) {
    const what = `${oneLine(name, 80)}: only its last ${count} messages were read`;
    run.notes.add(`${what}, not the ${tail.before} bytes before them`);
  }
  const raws: RawItem[] = [];
  for (const message of tail.messages) {
    run.signal.throwIfAborted();
    try {
      const range = { ...message, read: open.read, isQuoted: true };
      const item = await mailItem(name, range, message.deliveredAt, run);
      if (!FOLDER_DATA.test(item.title ?? "")) raws.push(item);
    } catch (error) {
      if (!isSourceFailure(error)) throw error;
      run.notes.add(`left out a message of ${oneLine(name, 80)}: ${error.message}`);
    }
  }
  return raws;
}

async function mailItem(
  name: string,
  range: ByteRange,
  deliveredAt: number | string | undefined,
  run: Run,
): Promise<RawItem> {
  const { item, unread } = await readMail(range, run.bytesMax);
  if (unread > 0) run.cut.push(oneLine(name, 80));
  return {
    ...item,
    text: ownText(item.text ?? ""),
    id: item.id ?? (await contentId(name, range)),
    publishedAt: item.publishedAt ?? deliveredAt,
  };
}

/** A changed file is a new item; a folder that moved is not. */
async function contentId(name: string, { start, end, read, isQuoted }: ByteRange): Promise<string> {
  const bytes = await read(start, Math.min(end - start, IDENTITY_BYTES_MAX));
  const lines = isQuoted ? bytes.toString("latin1").replace(/^>(>*From )/gm, "$1") : bytes.toString("latin1");
  const behind = end - start > IDENTITY_BYTES_MAX ? `:${end - start}` : "";
  return `file:${shortHash(name)}:${shortHash(Buffer.from(lines, "latin1"))}${behind}`;
}
