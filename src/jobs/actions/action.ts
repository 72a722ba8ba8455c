import type { GenericSchema } from "valibot";
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

/** All that an action can reach. It sends one request; a second one is a bug. */
export interface ActionTools {
  /** Sends the request and gives its 2xx status. It throws for all else, which the action lets pass. */
  post(url: string, request: ActionRequest): Promise<{ status: number }>;
  /** Sent along with the request; the same however often it is tried. */
  idempotencyKey: string;
  /** Aborts on a kill switch. */
  signal: AbortSignal;
}

/** A request, and the source whose token goes with it to the source's own API; none where that is left out. */
export interface ActionRequest extends Omit<SendRequest, "idempotencyKey" | "authorization"> {
  credentials?: SourceReference;
}

/** `summary` is one line for the log: what was done, without the content. */
interface ActionResult {
  summary: string;
}
