import { isLoopbackHost } from "../config/hosts.ts";
import { createRedactor } from "../lib/redact.ts";
import type { SendResult } from "./channels/channel.ts";
import type { Mail } from "./channels/email.ts";

/** What came of handing one message in; `status` is the server's last reply code, null when there was none. */
export interface Submitted {
  result: SendResult;
  status: number | null;
}

/**
 * Hands one message to its mail server: one connection, no retry. It counts as taken once the server took it for at
 * least one of its recipients. The connection is closed when `signal` aborts. Never throws.
 */
export async function sendMail(mail: Mail, signal: AbortSignal): Promise<Submitted> {
  try {
    return { result: { ok: true }, status: await submit(mail, signal) };
  } catch (error) {
    const failure = failureOf(error);
    const { responseCode: status } = failure;
    // A refusal of this one message; another may pass.
    const isChannelDown = failure.code !== "EMESSAGE" || status < 500;
    const result = { ok: false as const, error: describe(failure, mail), retryAfterMs: null, isChannelDown };
    return { result, status: status === 0 ? null : status };
  }
}

const REPLY_LENGTH_MAX = 200;

async function submit({ server, account, ...message }: Mail, signal: AbortSignal): Promise<number> {
  // Loaded when there is a message to send: most ticks have none.
  const { createTransport } = await import("nodemailer");
  const { from, to, user, password } = account;
  const secure = server.protocol === "smtps:";
  const isPlain = !secure && (!account.isTlsRequired || isLoopbackHost(server.hostname));
  const transport = createTransport({
    host: server.hostname.replace(/^\[|\]$/g, ""),
    port: server.port === "" ? (secure ? 465 : 587) : Number(server.port),
    secure,
    requireTLS: !secure && !isPlain,
    ignoreTLS: isPlain,
    ...(user !== null && password !== null && { auth: { user, pass: password }, forceAuth: true }),
    // How this host is called is nobody's business, and an address literal is always allowed (RFC 5321, 4.1.4).
    name: "[127.0.0.1]",
    // A server that never closes its side would keep this process.
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const { response } = await transport.sendMail({
    ...{ ...message, from, to, signal },
    textEncoding: "quoted-printable",
  });
  return Number(response.slice(0, 3));
}

interface Failure {
  /** nodemailer's code for the step that failed. */
  code: string;
  /** The system's or the TLS library's own code, where there is one. */
  cause: string;
  /** 0 when the server did not answer. */
  responseCode: number;
  response: string;
}

function failureOf(error: unknown): Failure {
  const fields = typeof error === "object" && error !== null ? { ...error } : {};
  const { code, originalCode, responseCode, response } = fields as Record<string, unknown>;
  return {
    code: typeof code === "string" ? code : "",
    cause: typeof originalCode === "string" ? originalCode : "",
    responseCode: typeof responseCode === "number" ? responseCode : 0,
    response: typeof response === "string" ? response : "",
  };
}

/** In people's words, by codes and by what the server replied; never with the account or the address. */
function describe(failure: Failure, { account }: Mail): string {
  const redact = createRedactor([account.password, account.user].filter((text) => text !== null));
  const said = redact(failure.response).replace(/\s+/g, " ").trim().slice(0, REPLY_LENGTH_MAX).toWellFormed();
  return `${wordsFor(failure)}${said === "" ? "" : `: ${said}`}`;
}

function wordsFor({ code, cause }: Failure): string {
  const words = BY_CAUSE[cause] ?? BY_CODE[code] ?? "the message could not be handed in";
  const shown = cause || code;
  return shown === "" ? words : `${words} (${shown})`;
}

const UNTRUSTED =
  "the mail server's certificate is signed by nobody whom this machine trusts; name its authority in NODE_EXTRA_CA_CERTS";

const BY_CAUSE: Record<string, string> = {
  ENOTFOUND: "no mail server has that name",
  EAI_AGAIN: "the mail server's name could not be looked up",
  ECONNREFUSED: "nothing listens at the mail server's address and port",
  ECONNRESET: "the mail server broke the connection off",
  EHOSTUNREACH: "the mail server cannot be reached",
  ENETUNREACH: "the mail server cannot be reached",
  CERT_HAS_EXPIRED: "the mail server's certificate has expired",
  CERT_NOT_YET_VALID: "the mail server's certificate is not valid yet; is this machine's clock right?",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the mail server's certificate is for another name; write the name that it is for",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  ERR_SSL_WRONG_VERSION_NUMBER:
    "the mail server does not begin with TLS on that port; write smtp:// for STARTTLS (587), smtps:// for TLS (465)",
};

const BY_CODE: Record<string, string> = {
  EDNS: "the mail server's name could not be looked up",
  ETIMEDOUT: "the mail server did not answer in time",
  ESOCKET: "the connection to the mail server failed",
  ECONNECTION: "the mail server broke the connection off",
  ETLS: "the mail server offers no encryption, and none is sent without; write smtps:// where it begins with TLS, or tls: false",
  EAUTH: "the mail server refuses user or password",
  EENVELOPE: "the mail server refuses the sender or every recipient",
  EMESSAGE: "the mail server refuses the message",
  EPROTOCOL: "what answers there is no mail server, or refuses to talk",
};
