import { DAY_MS } from "../../lib/durations.ts";
import { MailboxRefused } from "../errors.ts";
import type { MailAccess, MailHead, ReadableMailbox } from "./access.ts";
import { isRefusal, type OpenHow, openMailbox } from "./open-mailbox.ts";

const READ_BYTES_MAX = 512 * 1024;

/**
 * Opens a mailbox so that nothing in it changes: EXAMINE, and BODY.PEEK for what is read.
 * @throws what `openMailbox` throws, as all that the mailbox does.
 */
export async function readMailbox(access: MailAccess, how: OpenHow): Promise<ReadableMailbox> {
  const opened = await openMailbox(access, how);
  const { client, mailbox, ask } = opened;
  return {
    validity: String(mailbox.uidValidity),
    uidNext: mailbox.uidNext || 0,
    exists: mailbox.exists,
    search: ({ afterUid, sinceMs, isUnseenOnly }) =>
      ask(async () => {
        // A date of the search is a day in whatever zone the server takes it.
        const since = new Date(sinceMs - DAY_MS);
        const criteria = { uid: `${afterUid + 1}:*`, since, ...(isUnseenOnly && { seen: false }) };
        const found = await client.search(criteria, { uid: true });
        if (!Array.isArray(found))
          throw new MailboxRefused(`${access.host} refuses to search ${JSON.stringify(access.mailbox)}`);
        // The last mail is always within a range that ends with *.
        return found.filter((uid) => uid > afterUid);
      }),
    readHeads: (uids, bytesMax) =>
      ask(async () => {
        const asked = new Set(uids);
        const found = new Map<number, MailHead>();
        const maxLength = Math.min(bytesMax, READ_BYTES_MAX);
        let refused: number[] = [];
        const query = {
          uid: true,
          flags: true,
          internalDate: true,
          size: true,
          source: { start: 0, maxLength },
        };
        try {
          for await (const { uid, source, size, flags, internalDate } of client.fetch(uids.join(","), query, {
            uid: true,
          })) {
            // Each once, whatever else the server sends.
            if (!asked.delete(uid)) continue;
            const bytes = bytesOf(source, maxLength);
            const head = { uid, flags: flags ?? new Set<string>(), sizeBytes: size ?? 0, bytes };
            found.set(uid, { ...head, arrivedMs: instantOf(internalDate) });
          }
        } catch (error) {
          // Some servers answer NO where one mail of several cannot be read, and send the others.
          if (!isRefusal(error) || !client.usable) throw error;
          refused = [...asked];
        }
        return { heads: uids.flatMap((uid) => found.get(uid) ?? []), refused };
      }),
    readBytes: (uid, start, length) =>
      ask(async () => {
        const maxLength = Math.min(length, READ_BYTES_MAX);
        const answer = await client.fetchOne(uid, { source: { start, maxLength } }, { uid: true });
        return bytesOf(answer === false ? undefined : answer.source, maxLength);
      }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** A server may send more than it was asked for. */
function bytesOf(source: Uint8Array | undefined, bytesMax: number): Buffer {
  return Buffer.from((source ?? new Uint8Array()).subarray(0, bytesMax));
}

function instantOf(date: Date | string | undefined): number | null {
  const ms = date === undefined ? Number.NaN : new Date(date).getTime();
  return Number.isNaN(ms) ? null : ms;
}
