import type { GenericSchema } from "valibot";
import type { SendRequest } from "../../egress/types.ts";

/** What only a person can let happen. To add one, export an `Action` from a file here and list it in `registry.ts`. */
export interface Action<Content = unknown> {
  /** The name that jobs give to `context.draft`. */
  action: string;
  /** Parses what a job drafted, when it is drafted and again when it is approved. Messages say what to write. */
  content: GenericSchema<unknown, Content>;
  /** Sends one request, the same for the same content. `afk drafts show` runs it with a `post` that sends nothing. */
  run(content: Content, tools: ActionTools): Promise<ActionResult>;
}

/** All that an action can reach. */
export interface ActionTools {
  /** Sends the request and gives its 2xx status. It throws for all else, which the action lets pass; a second request is a bug. */
  post(url: string, request: Omit<SendRequest, "idempotencyKey">): Promise<{ status: number }>;
  /** Sent along with the request; the same however often it is tried. */
  idempotencyKey: string;
  /** Aborts on a kill switch. */
  signal: AbortSignal;
}

/** `summary` is one line for the log: what was done, without the content. */
interface ActionResult {
  summary: string;
}
