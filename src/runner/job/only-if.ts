import { isAddress, type OnlyIf } from "../../config/only-if.ts";
import type { JobContext, JobKind, JobResult } from "../../jobs/job.ts";
import { runAside } from "../../jobs/programs/run-aside.ts";
import { assert } from "../../lib/errors.ts";
import { stateOf } from "./state-of-place.ts";

/** Under which the state of what is watched is kept that a run last saw. */
const MEMORY = "only_if";
const PROGRAM_MS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024;

/**
 * Looks whether there is anything for the job to do. A result where there is nothing, which is that of the run; null where it
 * is to run. No model is asked.
 * @throws what reading its sources throws; AfkError where a program or an address that was to say so failed.
 */
export async function nothingToDo(
  { kind, onlyIf, isByHand }: { kind: JobKind; onlyIf: OnlyIf | undefined; isByHand: boolean },
  context: JobContext,
): Promise<JobResult | null> {
  if (onlyIf === undefined) return null;
  if (onlyIf.type === "changed") {
    const hasChanged = await lookAtWatched(onlyIf.watched, context);
    return hasChanged || isByHand ? null : nothing("nothing changed");
  }
  // Somebody asked for this run, and does not want to hear that it was not needed.
  if (isByHand) return null;
  if (onlyIf.type === "command") {
    const { command } = onlyIf;
    const code = await context.step("only_if", async () => {
      const limits = { outputBytesMax: OUTPUT_BYTES_MAX, timeoutMs: PROGRAM_MS_MAX, answers: [0, 1] };
      return (await runAside(context, { command, label: "only_if", cwd: context.base, ...limits })).code;
    });
    return code === 0 ? null : nothing(`${command[0]} says that there is nothing to do`);
  }
  assert(kind.look !== undefined, "afk.yaml was accepted with a look that the kind does not have");
  const { isNew, sources } = await kind.look(context);
  return isNew ? null : { ...nothing("nothing new"), sources };
}

function nothing(summary: string): JobResult {
  return { units: 0, summary };
}

/** What was seen is kept when the run is done: one that fails sees the same change again. */
async function lookAtWatched(watched: readonly string[], context: JobContext): Promise<boolean> {
  const before: Record<string, string> = JSON.parse((await context.recall(MEMORY)) ?? "{}");
  const now = await context.step("only_if", async () => {
    const states: Record<string, string> = {};
    for (const place of watched)
      states[place] = isAddress(place)
        ? await stateOf.address(place, context)
        : await stateOf.path(place, before[place], context);
    return states;
  });
  context.keep(MEMORY, JSON.stringify(now));
  return watched.some((place) => contentOf(now[place]) !== contentOf(before[place]));
}

/** Of a state: what stands before the date that only spares a look at the content. */
function contentOf(state: string | undefined): string | undefined {
  return state?.split("@", 1)[0];
}
