import type { GenericSchema } from "valibot";
import type { SendRequest } from "../../egress/types.ts";

/**
 * An irreversible thing that a job may write down and only a person can let happen. To add one, export an `Action` from
 * a file here and list it in `registry.ts`.
 */
export interface Action<Content = unknown> {
  /** The name that jobs give to `context.draft`. */
  action: string;
  /** Parses what a job drafted, when it is drafted and again when it is approved. Messages say what to write. */
  content: GenericSchema<unknown, Content>;
  /**
   * Does it, by exactly one request. `afk drafts show` runs it too, with a `post` that sends nothing, so it does nothing
   * else and gives the same request for the same content.
   */
  run(content: Content, tools: ActionTools): Promise<ActionResult>;
}

/** All that an action can reach. */
export interface ActionTools {
  /**
   * The one request; a second one is a bug. Gives the status of an answer that says it was done (2xx) and throws for
   * everything else, which the action lets pass: what became of the draft is decided by the request and not by the action.
   */
  post(url: string, request: Omit<SendRequest, "idempotencyKey">): Promise<{ status: number }>;
  /** Sent along with the request; the same however often it is tried. */
  idempotencyKey: string;
  /** Aborts on a kill switch. */
  signal: AbortSignal;
}

export interface ActionResult {
  /** One line for the log: what was done, without the content. */
  summary: string;
}
