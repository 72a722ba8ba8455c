import { AfkError } from "../../lib/errors.ts";

/** What a client asks for has no bound on its cost, or needs the owner's leave. */
export class Forbidden extends AfkError {
  /** The field that asks for it, `tools[2]`. */
  readonly param: string;

  constructor(param: string, message: string) {
    super("forbidden", message, { retry: "never" });
    this.param = param;
  }
}
