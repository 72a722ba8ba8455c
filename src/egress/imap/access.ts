/** How a mailbox on a mail server is reached; `password` or `access_token`. As afk.yaml has it. */
export interface MailAccess {
  host: string;
  /** 993 unless stated; 143 where TLS does not begin with the first byte. */
  port?: number | undefined;
  tls: boolean | "starttls";
  user: string;
  password?: string | undefined;
  access_token?: string | undefined;
  mailbox: string;
}

/** A mailbox that is open for reading, and nothing else. Disposing of it logs out. All of it throws what `openMailbox` throws. */
export interface ReadableMailbox extends AsyncDisposable {
  /** Numbers of mails mean the same as before while it is the same (UIDVALIDITY). */
  validity: string;
  /** Number that the next mail gets; 0 where the server does not say. */
  uidNext: number;
  /** How many mails there are. */
  exists: number;
  /** Numbers of mails behind `afterUid` that came since an instant (epoch milliseconds; to a day), ascending. */
  search(query: { afterUid: number; sinceMs: number; isUnseenOnly: boolean }): Promise<number[]>;
  /** The beginnings of these mails, in this order. Those that are gone are not there; those that the server refuses may be another time. */
  readHeads(uids: readonly number[], bytesMax: number): Promise<{ heads: MailHead[]; refused: number[] }>;
  /** Bytes of a mail; fewer where it ends before. At most 512 KiB. */
  readBytes(uid: number, start: number, length: number): Promise<Buffer>;
}

/** A mail, and its first bytes. */
export interface MailHead {
  uid: number;
  flags: ReadonlySet<string>;
  /** When the server took it, in epoch milliseconds; null where it does not say. */
  arrivedMs: number | null;
  /** As the server says, who may be wrong. */
  sizeBytes: number;
  bytes: Buffer;
}
