import * as v from "valibot";

/** The keys of a channel that belong to e-mail alone. */
export const MAIL_KEYS = ["from", "to", "user", "password", "tls"] as const;

/**
 * One plain mail address, as a message's header and the mail server both take it: no display name, no quotes, and no
 * character that could begin another header or another recipient.
 */
const MAIL_ADDRESS =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

const WRITE_ADDRESS = "write a plain mail address, for example ops@example.org";

export function mailAddress(description: string) {
  return v.pipe(
    v.string(WRITE_ADDRESS),
    v.maxLength(254, WRITE_ADDRESS),
    v.regex(MAIL_ADDRESS, WRITE_ADDRESS),
    v.description(description),
  );
}

export function mailRecipients() {
  const write = `${WRITE_ADDRESS}, or a list of at most 20`;
  const one = mailAddress("Who gets it.");
  return v.pipe(
    v.union([one, v.pipe(v.array(one, write), v.minLength(1, write), v.maxLength(20, write))], write),
    v.description("E-mail only: who gets it; one address or a list."),
  );
}

export function account(description: string) {
  const write = `write a text, best as \${NAME} of the environment`;
  return v.pipe(v.string(write), v.minLength(1, write), v.maxLength(500, write), v.description(description));
}

const WRITE_SERVER =
  "write smtp:// or smtps:// with the mail server's name and port, for example smtps://mail.example.org:465";

export interface MailFields {
  url: string;
  from?: string | undefined;
  to?: string | string[] | undefined;
  user?: string | undefined;
  password?: string | undefined;
  tls?: boolean | undefined;
}

/** What is wrong with an e-mail channel as a whole, or null. */
export function mailFault(channel: MailFields): string | null {
  const url = URL.canParse(channel.url) ? new URL(channel.url) : null;
  const isServer =
    url !== null &&
    /^smtps?:$/.test(url.protocol) &&
    url.hostname !== "" &&
    /^\/?$/.test(url.pathname) &&
    url.search + url.hash === "" &&
    isDecodable(url.username + url.password);
  if (!isServer) return `the url names no mail server; ${WRITE_SERVER}`;
  if (channel.from === undefined || channel.to === undefined)
    return "an email channel needs from and to; write the mail address it comes from, and who gets it";
  const user = channel.user ?? url.username;
  const password = channel.password ?? url.password;
  if ((user === "") !== (password === ""))
    return "user and password go together; write both, or neither for a server that asks for none";
  const isTwice = [url.username && channel.user, url.password && channel.password].some(Boolean);
  if (isTwice) return "user and password are there twice; write them in the url, or as user and password";
  if (channel.tls === false && url.protocol === "smtps:")
    return "smtps:// is TLS from the first byte; write smtp:// for a server without it, or leave tls out";
  return null;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
