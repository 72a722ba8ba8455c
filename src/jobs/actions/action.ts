import type { GenericSchema } from "valibot";
import type { MailDraft } from "../../egress/imap/prepare-append.ts";
import type { SendRequest } from "../../egress/types.ts";
import type { SourceReference } from "./references.ts";

/** What only a person can let happen. To add one, export an `Action` from a file here and list it in `registry.ts`. */
export interface Action<Content = unknown> {
  /** The name that jobs give to `context.draft`. */
  action: string;
  /** Parses what a job drafted, when it is drafted and again when it is approved. Messages say what to write. */
  content: GenericSchema<unknown, Content>;
  /** Does one thing, the same for the same content. `afk drafts show` runs it with tools that send nothing. */
  run(content: Content, tools: ActionTools): Promise<ActionResult>;
}

/** All that an action can reach. It uses one of `post` and `append`, once, and may push one branch before; a second use is a bug. */
export interface ActionTools {
  /** Pushes a branch of its own. It throws for all but that it is there, which the action lets pass. */
  push(wanted: PushRequest): Promise<void>;
  /** Sends the request and gives its 2xx status. It throws for all else, which the action lets pass. */
  post(url: string, request: ActionRequest): Promise<{ status: number }>;
  /**
   * Puts a message into a folder of the mailbox that the source reads, unless it is there. It throws for all else, which the
   * action lets pass.
   */
  append(
    from: SourceReference,
    draft: Omit<MailDraft, "idempotencyKey">,
  ): Promise<{ folder: string; wasThere: boolean }>;
  /** Sent along with the request; the same however often it is tried. */
  idempotencyKey: string;
  /** Aborts on a kill switch. */
  signal: AbortSignal;
}

/** A branch of its own, and what a person sees of it. */
export interface PushRequest {
  /** The job that made it: the state has the commit, and its entry in afk.yaml the token. */
  job: string;
  /** An address on the web. */
  remote: string;
  branch: string;
  /** The branch that it is to be pulled into. */
  base: string;
  commit: string;
  changes: string;
}

/** A request, and the source, or the job, whose token goes with it to its own API; none where that is left out. */
export interface ActionRequest extends Omit<SendRequest, "idempotencyKey" | "authorization"> {
  credentials?: SourceReference | { job: string };
  /** Statuses besides 2xx that say that it is done. */
  alsoDone?: readonly number[];
}

/** `summary` is one line for the log: what was done, without the content. */
interface ActionResult {
  summary: string;
}
