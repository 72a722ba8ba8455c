import { allKinds } from "../jobs/kinds.ts";
import { look } from "../ops/look.ts";
import type { Look } from "../ops/peek.ts";
import { readConfig } from "../ops/read-config.ts";
import type { GlobalValues } from "./command.ts";

/** Hands the state that `--config` and `--state` name to `work`, to be read: nothing is made, and nothing in it changes. */
export async function withLook<T>(args: GlobalValues, work: (seen: Look) => Promise<T>): Promise<T> {
  return await look(
    readConfig({ config: args.config, state: args.state }, () => allKinds(args)),
    work,
  );
}
