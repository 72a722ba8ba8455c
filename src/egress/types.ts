import type { MailAccess, ReadableMailbox } from "./imap/access.ts";
import type { MailDraft, PreparedDraft } from "./imap/prepare-append.ts";

/** One page, as fetched or, after a 304, as kept. */
export interface Page {
  /** The address that answered, after redirects. */
  url: string;
  status: number;
  /** Lower-case media type without parameters; empty when the server named none. */
  contentType: string;
  /** Its charset parameter; null when the server named none. */
  charset: string | null;
  /** Decoded (decompressed) bytes. */
  body: Uint8Array;
  /** True when the server said 304 and the body is the one kept from before. */
  fromCache: boolean;
}

/** What a job may say about one fetch. */
export interface FetchOptions {
  signal?: AbortSignal;
  accept?: string;
  /** Extra request headers of the caller's own (an API version, say); never cookies or credentials. */
  headers?: Record<string, string>;
  /** Longest answer that is taken, decoded; 4 MiB unless stated. */
  bytesMax?: number;
  /**
   * The address is of an interface that is documented for programs, whose rate limits are obeyed: robots.txt, which speaks to
   * crawlers that follow links (RFC 9309, section 1), is not asked.
   */
  isApi?: boolean;
  /** Goes to the address's own origin alone, never on to where that redirects, and by https or within this machine. */
  credential?: { header: "authorization" | "private-token"; value: string } | undefined;
}

/** The only way content reaches a job: read and not written, allowlisted, bounded, polite. */
export interface Egress {
  /**
   * @throws EgressRefused (retry "never") when policy says no: host not allowed, private address, robots.txt.
   * @throws EgressFailed (retry "later", or after what the host asked for) when the host or network failed.
   */
  fetch(url: string, options?: FetchOptions): Promise<Page>;
  /**
   * A mailbox on a mail server, so that nothing in it can be changed.
   * @throws EgressRefused (retry "never"), EgressFailed when the server is down, MailboxRefused when it refuses.
   */
  openMailbox(access: MailAccess, signal: AbortSignal): Promise<ReadableMailbox>;
}

/** A request that changes something elsewhere. `body` is sent as UTF-8; null sends none. */
export interface SendRequest {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  headers: Record<string, string>;
  body: string | null;
  /** The same for every try at the same thing, so that a server that heeds it does it once. */
  idempotencyKey: string;
  /** A credential of afk.yaml as the header carries it, such as `Bearer …`; actions themselves know none. */
  authorization?: string;
}

/**
 * What an action may add to its request. Nothing here is a credential or changes where the request goes. The rest,
 * User-Agent and Idempotency-Key, is afk's own.
 */
export const SEND_HEADERS = [
  "accept",
  "accept-language",
  "content-type",
  "if-match",
  "prefer",
  "x-github-api-version",
] as const;

/** Visible ASCII and spaces: a value must not be able to begin another header (RFC 9110, section 5.5). */
export const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/;

/** A request as it goes out, without what HTTP itself adds (Host, Connection, Content-Length). */
export interface OutgoingRequest extends Omit<SendRequest, "idempotencyKey" | "authorization"> {
  url: string;
}

/**
 * The only way out for actions, apart from `Egress` so that no job can reach it: the same allowlist, addresses, pace and
 * bounds, but it is no crawling, and nothing is followed or tried again.
 */
export interface Outgoing {
  /**
   * What `send` would put on the wire; sends nothing.
   * @throws EgressRefused
   */
  prepare(url: string, request: SendRequest): OutgoingRequest;
  /**
   * Sends once and gives the status of any answer; redirects are answers.
   * @throws SendFailed (egress/errors.ts), which says whether the request may have arrived, also when the signal aborts it.
   * @throws EgressRefused, EgressFailed when nothing was sent: policy says no, or the host is not to be called now.
   */
  send(url: string, request: SendRequest & { signal: AbortSignal }): Promise<{ status: number }>;
  /** Where `append` would put the draft, and what is in it; connects to nothing. */
  prepareAppend(access: MailAccess, draft: MailDraft): PreparedDraft;
  /**
   * Puts a message into a folder of a mailbox, unless one of the same Message-ID is there.
   * @throws SendFailed, which says whether it may be there; EgressRefused, EgressFailed, MailboxRefused when it is not.
   */
  append(
    access: MailAccess,
    draft: MailDraft & { signal: AbortSignal },
  ): Promise<{ folder: string; wasThere: boolean }>;
}
