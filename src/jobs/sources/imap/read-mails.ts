import type { MailHead, ReadableMailbox } from "../../../egress/imap/access.ts";
import { DAY_MS } from "../../../lib/durations.ts";
import { plural } from "../../../lib/text.ts";
import { shortHash } from "../../items/identity.ts";
import type { RawItem } from "../../items/item.ts";
import type { Omissions } from "../folder/omissions.ts";
import { readMail } from "../mail/mail.ts";
import type { ByteRange } from "../mail/mime.ts";
import { ownText } from "../mail/own-text.ts";
import { SourceUnreadable } from "../source.ts";

/** A mail under its number in the mailbox. */
export interface NumberedMail {
  uid: number;
  raw: RawItem;
}

interface Wanted {
  /** Epoch milliseconds; what the server took before is left out. */
  sinceMs: number;
  unseen?: boolean | undefined;
  max_bytes?: number | undefined;
  notes: Omissions;
}

const BYTES_MAX = 1024 * 1024;
/** Of all mails of a run. */
const RUN_BYTES_MAX = 96 * 1024 * 1024;
/** The first bytes of so many mails are asked for at once; most mails are no longer. */
const BATCH = 20;
const HEAD_BYTES = 64 * 1024;
/** Of a longer mail, by each further command. */
const BLOCK_BYTES = 512 * 1024;

/** What came of some numbers. */
interface MailsRead {
  mails: NumberedMail[];
  /** Those that the server refused to send. */
  refused: number[];
}

/**
 * The mails with these numbers as items, without those that were deleted, are drafts or are too old. Attachments are not looked
 * into, and at most `max_bytes` of a mail are fetched.
 * @throws what the mailbox throws.
 */
export async function readMails(
  mailbox: ReadableMailbox,
  uids: readonly number[],
  wanted: Wanted,
): Promise<MailsRead> {
  const { max_bytes: bytesMax = BYTES_MAX, notes } = wanted;
  const mails: NumberedMail[] = [];
  const refused: number[] = [];
  const run = { bytes: 0, cut: 0 };
  // The newest first, so that what a bound leaves out is the oldest.
  const newest = uids.toSorted((a, b) => b - a);
  for (let at = 0; at < newest.length; at += BATCH) {
    if (run.bytes > RUN_BYTES_MAX) {
      notes.add(`${newest.length - at} older mails were not read, as ${RUN_BYTES_MAX} bytes came before`);
      break;
    }
    const batch = newest.slice(at, at + BATCH);
    const read = await mailbox.readHeads(batch, Math.min(HEAD_BYTES, bytesMax));
    refused.push(...read.refused);
    for (const head of read.heads) {
      if (!isWanted(head, wanted)) continue;
      try {
        mails.push({ uid: head.uid, raw: await readOne(mailbox, head, bytesMax, run) });
      } catch (error) {
        if (!(error instanceof SourceUnreadable)) throw error;
        notes.add(`left out a mail: ${error.message}`);
      }
    }
  }
  if (run.cut > 0)
    notes.add(
      `only the first ${bytesMax} bytes of ${plural(run.cut, "mail")} were read (max_bytes can be raised)`,
    );
  if (refused.length > 0)
    notes.add(`${plural(refused.length, "mail")} not read, as the server refused; the next run asks again`);
  return { mails, refused };
}

function isWanted({ flags, arrivedMs }: MailHead, { sinceMs, unseen }: Wanted): boolean {
  if (flags.has("\\Deleted") || flags.has("\\Draft") || (unseen === true && flags.has("\\Seen")))
    return false;
  return (arrivedMs ?? sinceMs) >= sinceMs;
}

async function readOne(
  mailbox: ReadableMailbox,
  head: MailHead,
  bytesMax: number,
  run: { bytes: number; cut: number },
): Promise<RawItem> {
  const { item, unread } = await readMail(mailRange(mailbox, head, bytesMax, run), bytesMax);
  if (unread > 0) run.cut++;
  return {
    ...item,
    text: ownText(item.text ?? ""),
    id: item.id ?? `mail:${shortHash(head.bytes)}`,
    publishedAt: publishedAt(item.publishedAt, head.arrivedMs ?? undefined),
  };
}

/** When it was written; one that says later than it came would be the newest for ever. */
function publishedAt(written: RawItem["publishedAt"], arrivedMs: number | undefined): number | undefined {
  if (typeof written !== "number") return arrivedMs;
  return arrivedMs !== undefined && written > arrivedMs + DAY_MS ? arrivedMs : written;
}

/** The bytes of a mail: its first ones are there, the others are asked for in large blocks as they are needed. */
function mailRange(
  mailbox: ReadableMailbox,
  { uid, bytes: head, sizeBytes }: MailHead,
  bytesMax: number,
  run: { bytes: number },
): ByteRange {
  run.bytes += head.length;
  const isWhole = head.length < Math.min(HEAD_BYTES, bytesMax);
  let block = { start: 0, bytes: head };
  return {
    start: 0,
    // What the server says of its length is not relied on: reading ends where nothing more comes.
    end: isWhole ? head.length : Math.max(sizeBytes, head.length),
    isQuoted: false,
    async read(start, length) {
      if (start < block.start || start >= block.start + block.bytes.length) {
        const asked = Math.min(BLOCK_BYTES, bytesMax - start);
        block = { start, bytes: asked > 0 ? await mailbox.readBytes(uid, start, asked) : Buffer.alloc(0) };
        run.bytes += block.bytes.length;
      }
      return block.bytes.subarray(start - block.start, start - block.start + length);
    },
  };
}
