import { ImapFlow, type ImapFlowOptions, type MailboxObject } from "imapflow";
import type { Connection } from "../../http/connection.ts";
import { joinSignals } from "../../lib/signals.ts";
import type { Connect } from "../connect.ts";
import type { MailAccess } from "./access.ts";
import { describeFailure } from "./errors.ts";

/** A mailbox that is open for reading. Disposing of it logs out and closes the connection. */
export interface OpenMailbox extends AsyncDisposable {
  client: ImapFlow;
  mailbox: MailboxObject;
  /** What is to be thrown for an error of the client's: an AfkError in people's words. */
  failure(error: unknown): unknown;
  /** Does something with the client. Throws what `failure` makes of its errors. */
  ask<T>(work: () => Promise<T>): Promise<T>;
}

/** NO and BAD: the server answered, and did nothing. */
export function isRefusal(error: unknown): boolean {
  const status =
    typeof error === "object" && error !== null && "responseStatus" in error ? error.responseStatus : null;
  return status === "NO" || status === "BAD";
}

/** How a mailbox is opened. */
export interface OpenHow {
  connect: Connect;
  signal: AbortSignal;
  /** For all of the session; three minutes unless stated. */
  timeoutMs?: number | undefined;
}

/** For the connection until it stands, for each answer of the server, and for all of the session. */
const CONNECT_MS_MAX = 15_000;
const ANSWER_MS_MAX = 30_000;
const SESSION_MS_MAX = 180_000;
const LOGOUT_MS_MAX = 2_000;
/** Of one session, and of it one line, one text, and one answer. A list of 100,000 mails has 700 KB. */
const SESSION_BYTES_MAX = 160 * 1024 * 1024;
const LINE_BYTES_MAX = 4 * 1024 * 1024;
const LITERAL_BYTES_MAX = 1024 * 1024;
const RESPONSE_BYTES_MAX = 6 * 1024 * 1024;
const TOKENS_MAX = 100_000;

/**
 * Connects to a mail server over an address that egress has checked, with TLS as the settings want it, logs in and opens the
 * folder by EXAMINE, after which no command changes a flag in it. All of the session is bounded in time and bytes; nothing is
 * tried again.
 * @throws EgressRefused; EgressFailed where the server is down or asks to be left in peace; MailboxRefused where it refuses
 *   the login, has no such folder or is no mail server; the signal's reason.
 */
export async function openMailbox(
  access: MailAccess,
  { connect, signal, timeoutMs = SESSION_MS_MAX }: OpenHow,
): Promise<OpenMailbox> {
  const limit = joinSignals([signal], timeoutMs);
  const failure = (error: unknown) => {
    if (signal.aborted) return signal.reason;
    return describeFailure(limit.isTimedOut() ? limit.signal.reason : error, access);
  };
  let connection: Connection | null = null;
  let client: ImapFlow | null = null;
  const close = () => {
    client?.close();
    connection?.[Symbol.dispose]();
    limit[Symbol.dispose]();
  };
  try {
    const isTls = access.tls === true;
    const port = access.port ?? (isTls ? 993 : 143);
    const bounds = { connectTimeoutMs: CONNECT_MS_MAX, bytesMax: SESSION_BYTES_MAX, signal: limit.signal };
    connection = await connect({ host: access.host, port, isTls, ...bounds });
    const opened = createClient(access, port, connection);
    client = opened;
    await opened.connect();
    const mailbox = await opened.mailboxOpen(access.mailbox, { readOnly: true });
    return {
      client: opened,
      mailbox,
      failure,
      async ask(work) {
        try {
          return await work();
        } catch (error) {
          throw failure(error);
        }
      },
      async [Symbol.asyncDispose]() {
        await endSession(opened);
        close();
      },
    };
  } catch (error) {
    close();
    throw failure(error);
  }
}

/** A client that is given its connection, and opens none. */
function createClient(access: MailAccess, port: number, connection: Connection): ImapFlow {
  const { host, user, password, access_token: accessToken, tls } = access;
  const options: ImapFlowOptions = {
    host,
    port,
    secure: tls === true,
    doSTARTTLS: tls === "starttls",
    auth: { user, ...(password === undefined ? { accessToken } : { pass: password }) },
    transport: {
      connect(_target, onConnect) {
        queueMicrotask(onConnect);
        return connection.socket;
      },
      upgrade: (_socket, _target, onSecure) => connection.startTls(onSecure),
    },
    logger: false,
    clientInfo: { name: "afk" },
    disableAutoIdle: true,
    // A few bytes could become gigabytes.
    disableCompression: true,
    disableAutoEnable: true,
    disableIMAP4rev2: true,
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    socketTimeout: ANSWER_MS_MAX,
    maxLineLength: LINE_BYTES_MAX,
    maxLiteralSize: LITERAL_BYTES_MAX,
    maxResponseSize: RESPONSE_BYTES_MAX,
    maxResponseTokens: TOKENS_MAX,
  };
  const client = new ImapFlow(options);
  // What ends the connection also fails the command that waits; without a listener it would end the process.
  client.on("error", () => undefined);
  return client;
}

/** A server that does not take its leave is left. */
async function endSession(client: ImapFlow): Promise<void> {
  if (!client.usable) return;
  using limit = joinSignals([], LOGOUT_MS_MAX);
  const isOver = new Promise<void>((resolve) => {
    limit.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  // All has been read by now: whether it answers, and what, makes no difference.
  await Promise.race([client.logout().then(noAnswer, noAnswer), isOver]);
}

function noAnswer(): void {}
