import { DatabaseError } from "pg";
import { AfkError, EXIT, messageOf, systemCode } from "../../lib/errors.ts";
import { StoreRefused } from "../errors.ts";

/** The database cannot be reached, or does not take part: nothing was done unless it says otherwise, and it may heal by itself. Exit code 69. */
export class StoreUnreachable extends AfkError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("store_unreachable", message, { exitCode: EXIT.unavailable, ...options });
  }
}

/** A commit was asked for and its answer never came: whether it happened could not be found out. */
export class CommitUnknown extends StoreUnreachable {}

/** A look that was under way may still ask when its store is closed: a session that it opened would stay as long as the process. */
export function closed(where: string): StoreUnreachable {
  return new StoreUnreachable(`${where} was closed in this process; nothing was changed`);
}

/** The SQLSTATE of the server's own error; an empty text for any other. */
export function sqlState(error: unknown): string {
  return error instanceof DatabaseError ? (error.code ?? "") : "";
}

/** Two sections met, or one waited too long for another: nothing was done, and it is tried again. */
const AGAIN = new Set(["40001", "40P01", "55P03"]);
/** Shut down, starting, out of connections, in recovery or read-only (a standby), or the connection is gone. */
const AWAY = new Set(["57P01", "57P02", "57P03", "53300", "25006", "25P03", "57P05"]);

/** Also as `explain` gives it. */
export function isWorthAgain(error: unknown): boolean {
  return AGAIN.has(sqlState(error)) || (error instanceof StoreRefused && AGAIN.has(sqlState(error.cause)));
}

/** Refused since a statement before it in the same transaction was, which says why. */
export function isAborted(error: unknown): boolean {
  return sqlState(error) === "25P02";
}

/** Whether the connection, or the server behind it, is gone or of no use. */
export function isAway(error: unknown): boolean {
  if (error instanceof StoreUnreachable) return true;
  const state = sqlState(error);
  if (state !== "") return AWAY.has(state) || state.startsWith("08");
  const first = firstOf(error);
  return (
    first instanceof Error &&
    (LOST.has(systemCode(first)) ||
      /^Connection terminated|^Query read timeout|not queryable|^timeout expired|timeout exceeded when trying to connect/i.test(
        first.message,
      ))
  );
}

/** Where a name has several addresses and none answers, the system says so by an error without words, which holds one for each. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? (error.errors[0] ?? error) : error;
}

const LOST = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
]);

/** The server's certificate does not do, or there is no TLS to be had with it. Waiting would not mend it. */
const NO_CERTIFICATE = /^CERT_|^UNABLE_TO_|SELF_SIGNED_CERT|^HOSTNAME_MISMATCH$|^INVALID_CA$|^ERR_TLS_CERT_/;
const NO_TLS = /does not support SSL connections|error establishing an SSL connection/;

/** Of a statement by itself that was sent with its commit, when the answer to that never came. */
export function unanswered(cause: unknown, where: string): StoreUnreachable {
  const message = `${where} went away before it answered (${messageOf(cause)}); whether what was asked for is done is not known. Look whether it runs and is the primary`;
  return new StoreUnreachable(message, { cause });
}

/** The errors of PostgreSQL and of the way to it in words that say what to do. Anything else passes as it is. `where` names the database without its password. */
export function explain(error: unknown, where: string): unknown {
  if (error instanceof AfkError) return error;
  const state = sqlState(error);
  const refuse = (code: string, message: string) => new StoreRefused(code, message, { cause: error });
  if (AGAIN.has(state))
    return refuse("store_busy", `another session keeps ${where} from being written; nothing was changed`);
  if (isAway(error)) {
    const message = `${where} cannot be reached (${messageOf(firstOf(error))}); nothing was changed. Look whether it runs and is the primary`;
    return new StoreUnreachable(message, { cause: error });
  }
  if (state === "53100")
    return refuse("disk_full", `the disk of ${where} is full; make room and start again`);
  if (state.startsWith("28") || /^SASL:/.test(messageOf(error)))
    return refuse(
      "store_unwritable",
      `${where} does not let this user in (${messageOf(error)}): look at the user and password of the URL, and at its sslmode where the server asks for encryption`,
    );
  if (NO_CERTIFICATE.test(systemCode(error)))
    return refuse(
      "store_unwritable",
      `the certificate of ${where} is not accepted (${messageOf(error)}): ask for it by a name that it is for, and give the file of who vouches for it in the URL, ?sslmode=verify-full&sslrootcert=/PATH/root.pem`,
    );
  if (NO_TLS.test(messageOf(error)) || /^ERR_(SSL|OSSL)_/.test(systemCode(error)))
    return refuse(
      "store_unwritable",
      `there is no TLS with ${where} (${messageOf(error)}): look at ssl of the server, and at sslmode, sslrootcert, sslcert and sslkey of the URL`,
    );
  if (state === "3D000")
    return refuse("store_unwritable", `${where} is not there: createdb, or mend the URL`);
  if (state === "42501")
    return refuse(
      "store_unwritable",
      `this user may not write ${where}: it needs a schema of its own (${messageOf(error)})`,
    );
  if (state === "XX001" || state === "XX002")
    return refuse(
      "store_damaged",
      `${where} is damaged (${messageOf(error)}); nothing was changed. Restore a backup`,
    );
  if (state.startsWith("58"))
    return refuse("store_io", `${where} could not read or write (${messageOf(error)}); look at its disk`);
  return error;
}
