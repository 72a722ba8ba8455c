import type { Agent } from "../agent.ts";
import { systemClock } from "../lib/clock.ts";
import { AfkError, EXIT, messageOf } from "../lib/errors.ts";
import { didYouMean } from "../lib/nearest.ts";
import { writeEvidence } from "./evidence.ts";
import { type Drill, type HarnessOptions, openHarness } from "./harness.ts";
import { HOST_DRILL } from "./host-drill.ts";
import { type Outcome, openRecorder } from "./recorder.ts";
import { DRILLS } from "./registry.ts";

/** What `afk drill --json` prints of one drill. */
export interface DrillResult extends Pick<Outcome, "name" | "figures" | "error"> {
  passed: boolean;
  durationMs: number;
  /** Path of the record. */
  record: string;
}

/** How drills are fired, and who is told of each. */
export interface DrillOptions extends Omit<HarnessOptions, "config" | "recorder"> {
  /** The real agent: its limits are drilled, and the evidence goes into its state. */
  agent: Agent;
  onStart?: ((drill: Drill) => void) | undefined;
  onEnd?: ((result: DrillResult) => void) | undefined;
}

/**
 * The drills that the names stand for, in their own order; all of them for no names. `isSending` false leaves out the
 * one that sends real messages.
 * @throws AfkError (exit 2) for a name that is none.
 */
export function chooseDrills(names: readonly string[], isSending: boolean): Drill[] {
  const known = DRILLS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw noSuchDrill(unknown, known);
  return DRILLS.filter(
    ({ name }) => (names.length === 0 || names.includes(name)) && (isSending || name !== "alert"),
  );
}

function noSuchDrill(name: string, known: readonly string[]): AfkError {
  const how = { retry: "never", exitCode: EXIT.usage } as const;
  return name === HOST_DRILL.name
    ? new AfkError(
        "host_drill",
        `${name} is fired by the host's own command, where afk runs by its units: ${HOST_DRILL.command}`,
        how,
      )
    : new AfkError("unknown_drill", `There is no drill named ${name}. ${didYouMean(name, known)}`, how);
}

/**
 * Fires one after the other, each on scratch agents of its own, and writes the evidence of each as soon as it is over.
 * A failed one does not keep the others from being fired.
 * @throws the signal's reason when it aborts; the drill that was under way leaves nothing then, not even a row.
 */
export async function runDrills(drills: readonly Drill[], options: DrillOptions): Promise<DrillResult[]> {
  const results: DrillResult[] = [];
  for (const drill of drills) {
    options.signal.throwIfAborted();
    options.onStart?.(drill);
    const outcome = await fire(drill, options);
    const { error, file } = await writeEvidence(options.agent, outcome);
    const { name, figures, startedAt, finishedAt } = outcome;
    const record = `${options.agent.config.paths.runs}/${file}`;
    const result = {
      name,
      passed: error === null,
      durationMs: finishedAt - startedAt,
      figures,
      error,
      record,
    };
    results.push(result);
    options.onEnd?.(result);
  }
  return results;
}

async function fire(drill: Drill, options: DrillOptions): Promise<Outcome> {
  const startedAt = systemClock.nowMs();
  const recorder = openRecorder();
  let error: string | null = null;
  try {
    const harness = await openHarness({ ...options, config: options.agent.config, recorder });
    try {
      await drill.run(harness);
    } finally {
      await harness.close();
    }
  } catch (thrown) {
    options.signal.throwIfAborted();
    // Whatever went wrong: a safety that was not seen to work has not passed.
    error = messageOf(thrown);
  }
  const finishedAt = Math.max(startedAt, systemClock.nowMs());
  return { ...drill, ...recorder, startedAt, finishedAt, error, repeat: `afk drill ${drill.name}` };
}
