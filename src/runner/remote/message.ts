import type { Trx } from "../../store/schema.ts";

/** One message that came from the phone, whichever service carried it. */
export interface RemoteMessage {
  /** The service's own id of it, unique within its channel. */
  id: string;
  /** When the service says that it was sent, in epoch milliseconds. */
  sentAtMs: number;
  /** As it was typed, cut at TEXT_CHARS_MAX; it may hold any character. */
  text: string;
  /** A stranger is whoever is not in the configured chat; ntfy knows no sender, and who knows the topic is the owner. */
  from: "owner" | "stranger";
  isEdited: boolean;
  isForwarded: boolean;
  /** Older than what a verb is obeyed for (OLD_MS); `stop` counts for longer, and is handed on nevertheless. */
  isOld: boolean;
}

/** Of a longer message no more is read. */
export const TEXT_CHARS_MAX = 1_000;

/** What came of a message. */
export interface Obeyed {
  /** Sent once the section has committed; null for silence. */
  reply: string | null;
  /**
   * What is done after the commit, outside of any section: what asks the network, or takes its time (the status, the effect
   * of an approved draft). Its text is one more reply. A crash before it leaves what the section wrote.
   */
  after?: () => Promise<string | null>;
}

/**
 * Obeys a message within the section that notes it as obeyed, so that both commit or neither: after a crash it is
 * obeyed once. `by` is the name of the channel that it came from. Messages of strangers, edited, forwarded, repeated or too
 * old never get here.
 */
export type Obey = (trx: Trx, message: RemoteMessage, by: string) => Promise<Obeyed>;

/** A question as it goes to the phone; it has its code within. */
export interface RemoteQuestion {
  id: string;
  text: string;
  /** Buttons, at most three: what is shown, and the message that pressing it sends. */
  actions: { label: string; message: string }[];
}

/** The questions that wait for a person, as the phone sends them. */
export interface RemoteQuestions {
  /**
   * Those that no phone was asked yet, each with a code that is made with this and replaces an earlier one. One that is not
   * marked as sent within a minute is given again, with another code.
   */
  next(): Promise<RemoteQuestion[]>;
  /** It has got out by one channel at least. */
  sent(id: string): Promise<void>;
}
