import { AfkError, messageOf, systemCode } from "../../lib/errors.ts";
import { createRedactor } from "../../lib/redact.ts";
import { oneLine } from "../../lib/text.ts";
import { EgressFailed, MailboxRefused } from "../errors.ts";
import type { MailAccess } from "./access.ts";

const REPLY_CHARS_MAX = 200;

/** What an error of the IMAP client's says besides its message. */
interface Failure {
  code: string;
  /** The server's own code, such as UNAVAILABLE (RFC 5530). */
  reason: string;
  /** What the server said. */
  reply: string;
  isLoginRefused: boolean;
  isMailboxMissing: boolean;
  isTlsMissing: boolean;
  /** NO or BAD: the server answered, and refused. */
  isRefused: boolean;
}

/**
 * What is to be thrown for an error of a session: EgressFailed where another day may be better, else MailboxRefused with what
 * to do. Neither user, password nor token is in it.
 */
export function describeFailure(error: unknown, access: MailAccess): AfkError {
  if (error instanceof AfkError) return error;
  const failure = failureOf(error);
  const { host, mailbox } = access;
  const redact = createRedactor(
    [access.password, access.access_token, access.user].filter((secret) => secret !== undefined),
  );
  const reply = oneLine(redact(failure.reply), REPLY_CHARS_MAX);
  const said = reply === "" ? "" : `: ${reply}`;
  const refused = (message: string) => new MailboxRefused(message, { cause: error });
  if (failure.isLoginRefused || (failure.isRefused && failure.reason !== "")) {
    if (TEMPORARY.has(failure.reason))
      return new EgressFailed(`${host} cannot let anybody in now${said}`, { isDown: true, cause: error });
  }
  if (failure.isLoginRefused)
    // In brackets: a word behind "password:" would be taken for one, and hidden.
    return refused(
      `${host} refuses ${credentialOf(access)}${reply === "" ? "" : ` (${reply})`}${hintFor(access)}`,
    );
  if (failure.isMailboxMissing)
    return refused(`${host} has no folder ${JSON.stringify(mailbox)}; mend mailbox in afk.yaml`);
  if (failure.isRefused) return refused(`${host} refuses to open ${JSON.stringify(mailbox)}${said}`);
  const ofConnection = CONNECTION_WORDS[failure.code];
  const isUnencrypted = failure.isTlsMissing && ofConnection === undefined;
  const words = BY_CODE[failure.code] ?? (isUnencrypted ? NO_TLS : undefined);
  if (words !== undefined) return refused(`${host} ${words}`);
  const why = ofConnection ?? oneLine(redact(messageOf(error)), REPLY_CHARS_MAX);
  return new EgressFailed(`${host} could not be read: ${why}`, { isDown: true, cause: error });
}

function failureOf(error: unknown): Failure {
  const fields: Record<string, unknown> = typeof error === "object" && error !== null ? { ...error } : {};
  const textOf = (key: string) => (typeof fields[key] === "string" ? String(fields[key]) : "");
  return {
    code: systemCode(error),
    reason: textOf("serverResponseCode").toUpperCase(),
    reply: textOf("responseText") || textOf("response"),
    isLoginRefused: fields.authenticationFailed === true,
    isTlsMissing: fields.tlsFailed === true,
    isMailboxMissing: fields.mailboxMissing === true,
    isRefused: /^(?:NO|BAD)$/.test(textOf("responseStatus")),
  };
}

/** RFC 5530: not the account's fault. */
const TEMPORARY = new Set(["UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT"]);

function credentialOf({ password }: MailAccess): string {
  return password === undefined ? "the access token, which may have run out" : "user or password";
}

/** What the large providers want, since what they say themselves is hard to understand. */
const HINTS: readonly [host: RegExp, hint: string][] = [
  [
    /(?:^|\.)(?:gmail|googlemail|google)\.com$/,
    "Gmail wants an app password in place of the account's (myaccount.google.com/apppasswords), or access_token",
  ],
  [
    /(?:^|\.)(?:outlook|hotmail|live)\.com$/,
    "Outlook and Microsoft 365 take no password by IMAP; write access_token",
  ],
  [/(?:^|\.)yahoo\.com$|(?:^|\.)aol\.com$/, "Yahoo and AOL want an app password in place of the account's"],
  [/(?:^|\.)(?:me|icloud)\.com$/, "iCloud wants an app-specific password in place of the account's"],
  [/(?:^|\.)(?:fastmail|messagingengine)\.com$/, "Fastmail wants an app password in place of the account's"],
];

function hintFor({ host, password }: MailAccess): string {
  const hint = HINTS.find(([pattern]) => pattern.test(host))?.[1];
  return password === undefined || hint === undefined ? "" : `; ${hint}`;
}

const NO_MAIL_SERVER = "did not answer as an IMAP server does";

const NO_TLS = "offers no STARTTLS, and nothing is sent without; write tls: true and port: 993";

/** What the server can be blamed for, by the client's codes. */
const BY_CODE: Record<string, string> = {
  LineTooLarge: "sent a longer line than any mail server does",
  LiteralTooLarge: "sent more than it was asked for",
  ResponseTooLarge: "sent more than it was asked for",
  TooManyTokens: "sent more than it was asked for",
  TooManyResponses: "sent more answers than it was asked for",
  MAX_IMAP_NESTING_REACHED: NO_MAIL_SERVER,
  STARTTLS_INJECTION: "sent more before TLS began than it should; somebody may be on the line",
  ERR_SSL_WRONG_VERSION_NUMBER:
    "does not begin with TLS on that port; write tls: starttls and port: 143, or the port for TLS (993)",
  UnexpectedTag: NO_MAIL_SERVER,
  MissingTag: NO_MAIL_SERVER,
  InvalidResponse: NO_MAIL_SERVER,
};

const UNTRUSTED =
  "its certificate is signed by nobody whom this machine trusts; name its authority in NODE_EXTRA_CA_CERTS";

/** What may be another day, by the codes of the system and the TLS library. */
const CONNECTION_WORDS: Record<string, string> = {
  ENOTFOUND: "no server has that name",
  EAI_AGAIN: "its name could not be looked up",
  ECONNREFUSED: "nothing listens at that port",
  ECONNRESET: "it broke the connection off",
  NoConnection: "it broke the connection off",
  EConnectionClosed: "it broke the connection off",
  ClosedAfterConnectText:
    "it broke the connection off before it said anything; does that port begin with TLS?",
  ClosedAfterConnectTLS: "it broke the connection off before it said anything",
  EHOSTUNREACH: "it cannot be reached",
  ENETUNREACH: "it cannot be reached",
  CONNECT_TIMEOUT: "it did not answer in time",
  GREETING_TIMEOUT: "it did not answer in time; does that port begin with TLS?",
  UPGRADE_TIMEOUT: "it did not go over to TLS in time",
  ETIMEOUT: "it did not answer in time",
  ETHROTTLE: "it asks to be left in peace for a while",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; is this machine's clock right?",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name; write the name that it is for",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
};
