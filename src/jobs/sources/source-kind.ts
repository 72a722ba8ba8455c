import type { GenericSchema } from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import type { MailAccess, ReadableMailbox } from "../../egress/imap/access.ts";
import type { JobContext } from "../job.ts";
import type { Collected } from "./source.ts";

/** What a source can reach while it is read. */
export type SourceContext = Pick<
  JobContext,
  | "name"
  | "base"
  | "egress"
  | "signal"
  | "period"
  | "timezone"
  | "isSeen"
  | "recall"
  | "keep"
  | "processes"
  | "variables"
  | "view"
  | "redact"
  | "log"
>;

/** What doctor asks over the network, within egress. All throw an AfkError with what is wrong, or what fetch throws. */
export interface SourceQuestions {
  openMailbox(access: MailAccess): Promise<ReadableMailbox>;
  /** The name of a mailbox's folder of drafts; null asks for the one that the server marks. */
  findDrafts(access: MailAccess, folder: string | null): Promise<string>;
  /** The status of one GET. */
  statusOf(address: string, headers: Record<string, string>): Promise<number>;
}

/**
 * One kind of source: a folder with its settings and its reading. To add one, export a `SourceKind` from
 * `jobs/sources/<name>/kind.ts` and list it in `registry.ts`. `Settings` has the entries of `source-entries.ts` too.
 */
export interface SourceKind<Settings> {
  /** The key of an entry of `sources` by which it is of this kind. */
  key: string;
  settings: GenericSchema<unknown, Settings>;
  /** What jobs call it: the name that the owner gave it, else something short. */
  label(settings: Settings): string;
  /** The same for the same place, whatever it is called. */
  id(settings: Settings): string;
  /** Hosts that `egress.allow` must have. */
  hosts?(settings: Settings): string[];
  /** Files and folders that must be there, as afk.yaml has them. */
  paths?(settings: Settings): { path: string; isFolder: boolean }[];
  /** The API that actions on its items go to, and the token for it; null where it has none. */
  access?(settings: Settings): { api: string; token: string } | null;
  /** What the schema cannot say alone. Paths start at the entry. */
  check?(settings: Settings, config: Config): ConfigIssue[];
  /**
   * For `afk doctor`, over the network: whether it can be read, without reading it. Gives what was found.
   * @throws AfkError with what is wrong.
   */
  examine?(settings: Settings, questions: SourceQuestions): Promise<string>;
  /**
   * Reads it; loads its parser only now, since most commands read no source.
   * @throws SourceUnreadable, and what `egress.fetch` throws, when the job can go on without it; whatever else stops the job.
   */
  collect(settings: Settings, context: SourceContext): Promise<Collected>;
}
