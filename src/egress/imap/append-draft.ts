import { messageOf } from "../../lib/errors.ts";
import type { Connect } from "../connect.ts";
import { MailboxRefused, SendFailed } from "../errors.ts";
import type { MailAccess } from "./access.ts";
import { isRefusal, type OpenMailbox, openMailbox } from "./open-mailbox.ts";
import type { PreparedDraft } from "./prepare-append.ts";

/**
 * Puts a draft into its folder, unless a message of the same Message-ID is there: a second try makes no second draft.
 * @throws SendFailed once the command may have been taken; what `openMailbox` throws, and MailboxRefused, before it.
 */
export async function appendDraft(
  access: MailAccess,
  draft: PreparedDraft,
  { connect, signal }: { connect: Connect; signal: AbortSignal },
): Promise<{ folder: string; wasThere: boolean }> {
  await using opened = await openMailbox(access, { connect, signal });
  const { client } = opened;
  const folder = await folderFor(opened, draft.folder, access);
  const bytes = await composeMessage(draft);
  if (await isThere(opened, folder, draft.messageId)) return { folder, wasThere: true };
  try {
    await client.append(folder, bytes, ["\\Draft", "\\Seen"]);
  } catch (error) {
    if (isRefusal(error)) throw opened.failure(error);
    const message = `${access.host} did not say whether it took the draft: ${messageOf(opened.failure(error))}`;
    throw new SendFailed(message, { mayHaveArrived: true, cause: error });
  }
  return { folder, wasThere: false };
}

/** The name of the folder that drafts go to; null asks for the one that the server marks. @throws as `appendDraft` before it sends. */
export async function findDrafts(
  access: MailAccess,
  folder: string | null,
  { connect, signal }: { connect: Connect; signal: AbortSignal },
): Promise<string> {
  await using opened = await openMailbox(access, { connect, signal });
  return await folderFor(opened, folder, access);
}

/** The folder that was named, else the one that the server marks. */
async function folderFor(opened: OpenMailbox, folder: string | null, { host }: MailAccess): Promise<string> {
  const all = await opened.ask(() => opened.client.list());
  const found = all.find(({ path, specialUse }) =>
    folder === null ? specialUse === "\\Drafts" : path === folder,
  );
  if (found !== undefined) return found.path;
  throw new MailboxRefused(
    folder === null
      ? `${host} marks no folder as that of drafts; write drafts: with its name beside reply: in afk.yaml`
      : `${host} has no folder ${JSON.stringify(folder)}; mend drafts: in afk.yaml; a draft that names it is to be rejected`,
  );
}

async function isThere(opened: OpenMailbox, folder: string, messageId: string): Promise<boolean> {
  const { client } = opened;
  const found = await opened.ask(async () => {
    await client.mailboxOpen(folder, { readOnly: true });
    return await client.search({ header: { "message-id": messageId } }, { uid: true });
  });
  if (!Array.isArray(found))
    throw new MailboxRefused(`the mail server refuses to search ${JSON.stringify(folder)}`);
  return found.length > 0;
}

/** The same bytes for the same draft, but for the date. */
async function composeMessage({ from, messageId, message }: PreparedDraft): Promise<Buffer> {
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer/index.js");
  const { to, subject, inReplyTo, references, body } = message;
  const composer = new MailComposer({
    ...(from !== null && { from }),
    to,
    subject,
    messageId,
    ...(inReplyTo !== null && { inReplyTo }),
    ...(references.length > 0 && { references }),
    text: body,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return await composer.compile().build();
}
