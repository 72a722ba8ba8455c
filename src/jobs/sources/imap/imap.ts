import type { ReadableMailbox } from "../../../egress/imap/access.ts";
import type { Egress } from "../../../egress/types.ts";
import { shortHash } from "../../items/identity.ts";
import { ITEMS_PER_SOURCE_MAX, newestItems, type RawItem, toItem } from "../../items/item.ts";
import type { JobContext } from "../../job.ts";
import { createOmissions } from "../folder/omissions.ts";
import type { Collected } from "../source.ts";
import { type Position, readPosition, writePosition } from "./position.ts";
import { readMails } from "./read-mails.ts";
import { type ImapSource, imapId, imapLabel } from "./settings.ts";

type Context = Pick<JobContext, "signal" | "period" | "isSeen" | "recall" | "keep"> & {
  egress: Pick<Egress, "openMailbox">;
};

/**
 * What is new in a mailbox: mails behind the last one that an earlier run saw, and those of that run that found no room yet;
 * the newest `max_items` of the last `max_age`. A mailbox whose numbers changed (UIDVALIDITY) is read as at first, and its mails
 * are known by their Message-IDs. Nothing in the mailbox changes.
 * @throws what `egress.openMailbox` throws.
 */
export async function collectImap(source: ImapSource, context: Context): Promise<Collected> {
  const { imap, name, max_items: itemsMax = ITEMS_PER_SOURCE_MAX } = source;
  await using mailbox = await context.egress.openMailbox(imap, context.signal);
  const key = `imap:${shortHash(imapId(imap))}`;
  const sinceMs = context.period.slotMs - imap.max_age;
  const notes = createOmissions();
  const before = await positionBefore(readPosition(await context.recall(key)), mailbox, context);
  const isUnchanged = mailbox.uidNext > 0 && mailbox.uidNext - 1 <= before.lastUid;
  const query = { afterUid: before.lastUid, sinceMs, isUnseenOnly: imap.unseen === true };
  const found = mailbox.exists === 0 || isUnchanged ? [] : await mailbox.search(query);
  const all = [...before.offered.map(({ uid }) => uid), ...found];
  const wanted = all.toSorted((a, b) => a - b).slice(-itemsMax);
  const left = all.length - wanted.length;
  if (left > 0)
    notes.add(
      `only the newest ${itemsMax} mails were read, not the ${left} before them (max_items can be raised)`,
    );
  const { mails, refused } = await readMails(mailbox, wanted, { ...imap, sinceMs, notes });
  const raws = mails.map(({ raw }) => (name === undefined ? raw : underOneName(raw)));
  const items = newestItems(raws, imapLabel(source), { itemsMax });
  const offered = [
    ...mails.map(({ uid, raw }) => ({ uid, key: toItem(raw, "")?.key ?? "" })),
    // By no key, as nobody has seen them.
    ...refused.map((uid) => ({ uid, key: "" })),
  ];
  const lastUid = found.reduce((latest, uid) => Math.max(latest, uid), before.lastUid);
  context.keep(key, writePosition({ validity: before.validity, lastUid, offered }));
  return { items, notes: notes.list() };
}

/** Where to begin: without what the job has had since. */
async function positionBefore(
  kept: Position | null,
  { validity }: ReadableMailbox,
  { isSeen }: Pick<JobContext, "isSeen">,
): Promise<Position> {
  if (kept === null || kept.validity !== validity) return { validity, lastUid: 0, offered: [] };
  const seen = await isSeen(kept.offered.map(({ key }) => key));
  return { ...kept, offered: kept.offered.filter(({ key }) => !seen.has(key)) };
}

/** Under a name that the owner gave, the sender stands before the subject. */
function underOneName({ sender, ...raw }: RawItem): RawItem {
  return sender === undefined ? raw : { ...raw, title: `${sender}: ${raw.title ?? ""}` };
}
