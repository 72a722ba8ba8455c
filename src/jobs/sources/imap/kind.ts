import { isLoopbackHost } from "../../../config/hosts.ts";
import type { SourceKind } from "../source-kind.ts";
import { checkAccess, type ImapSource, imapId, imapLabel, imapSettings } from "./settings.ts";

/** Mailboxes on mail servers. */
export const imapKind: SourceKind<ImapSource> = {
  key: "imap",
  settings: imapSettings,
  label: imapLabel,
  id: ({ imap }) => imapId(imap),
  hosts: ({ imap }) => [imap.host],
  check: ({ imap }) => checkAccess(imap).map(({ path, message }) => ({ path: `imap.${path}`, message })),
  collect: async (source, context) => await (await import("./imap.ts")).collectImap(source, context),
  examine: async ({ imap }, { openMailbox }) => {
    await using _opened = await openMailbox(imap);
    const isOpen = imap.tls === false && !isLoopbackHost(imap.host);
    const warning = isOpen ? "; the password goes over the network in plain, as tls is false" : "";
    return `${imap.mailbox} at ${imap.host} can be read${warning}`;
  },
};
