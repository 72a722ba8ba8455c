import { allKinds } from "../jobs/kinds.ts";
import { type Inspected, inspectState } from "../ops/inspect-state.ts";
import { readConfig } from "../ops/read-config.ts";
import type { GlobalValues } from "./command.ts";

/** Hands the state that `--config` and `--state` name to `work`, to be read: nothing is made, and nothing in it changes. */
export async function withState<T>(
  args: GlobalValues,
  work: (inspected: Inspected) => Promise<T>,
): Promise<T> {
  return await inspectState(
    readConfig(args, () => allKinds(args)),
    work,
  );
}
