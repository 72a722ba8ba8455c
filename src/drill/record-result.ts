import * as v from "valibot";
import type { Agent } from "../agent.ts";
import type { DrillRow } from "../evidence/drills.ts";
import { systemClock } from "../lib/clock.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { writeEvidence } from "./evidence.ts";
import { HOST_DRILL, hostFindings, hostSteps } from "./host-drill.ts";
import type { Figures as Measured } from "./recorder.ts";
import { DRILLS } from "./registry.ts";

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const FIGURES_CHARS_MAX = 4_000;

const Figures = v.record(v.pipe(v.string(), v.maxLength(60)), v.union([v.number(), v.string(), v.boolean()]));

/** The result cannot be evidence as it stands. Exit code 2. */
class BadResult extends AfkError {
  constructor(message: string) {
    super("bad_result", message, { retry: "never", exitCode: EXIT.usage });
  }
}

/**
 * Writes down a drill that was done by something else: the host's own command (`systemctl stop`, say, which a container
 * cannot do to itself), or a person. `figures` is a JSON object of names with numbers, texts or booleans, of which `startedMs`,
 * where there is one, is when it began (epoch milliseconds); `error` is null when it passed.
 * @throws BadResult
 */
export async function recordResult(
  agent: Agent,
  { name, figures: text, error }: { name: string; figures: string; error: string | null },
): Promise<DrillRow> {
  const { startedMs, ...figures } = parseFigures(text);
  if (!NAME.test(name))
    throw new BadResult(`${JSON.stringify(name)} is no name of a drill; write small letters, digits and -`);
  if (Object.keys(figures).length === 0 && startedMs === undefined)
    throw new BadResult(
      "a drill without figures proves nothing; write what was measured: --figures '{\"stopMs\": 312}'",
    );
  if (DRILLS.some((drill) => drill.name === name))
    throw new BadResult(
      `${name} is a drill that afk fires itself, and no evidence from elsewhere stands for it; run: afk drill ${name}`,
    );
  const finishedAt = systemClock.nowMs();
  const isStart = typeof startedMs === "number" && Number.isSafeInteger(startedMs) && startedMs >= 0;
  const startedAt = isStart ? Math.min(startedMs, finishedAt) : finishedAt;
  return await writeEvidence(agent, {
    ...{ name, startedAt, finishedAt, differences: [], figures, error },
    ...(name === HOST_DRILL.name ? ofHost(figures, error) : OF_OTHERS),
  });
}

const OF_OTHERS = {
  description: null,
  promise: null,
  steps: ["This drill was done from outside of afk, and its result handed to: afk drill record"],
  findings: [],
  repeat: "as it was done before",
};

/** @throws BadResult for a pass that its own figures do not bear out: it would open the gate to autonomy. */
function ofHost(figures: Measured, error: string | null) {
  const { command, ...words } = HOST_DRILL;
  const findings = hostFindings(figures);
  const missing = findings.filter(({ isSo }) => !isSo);
  if (error === null && missing.length > 0)
    throw new BadResult(
      `${HOST_DRILL.name} did not pass by these figures: ${missing.map(({ expected, found }) => `${expected} (${found})`).join("; ")}. Let the host do it: ${command}`,
    );
  return { ...words, steps: hostSteps(figures), findings, repeat: command };
}

function parseFigures(text: string): v.InferOutput<typeof Figures> {
  const write = "write a JSON object of names with numbers, texts or booleans: --figures '{\"stopMs\": 312}'";
  if (text.length > FIGURES_CHARS_MAX)
    throw new BadResult(`the figures are longer than ${FIGURES_CHARS_MAX} characters`);
  try {
    const value: unknown = JSON.parse(text);
    const parsed = v.safeParse(Figures, value);
    // A list is an object too, whose names are numbers.
    if (parsed.success && !Array.isArray(value)) return parsed.output;
  } catch (error) {
    throw Object.assign(new BadResult(`the figures are no JSON; ${write}`), { cause: error });
  }
  throw new BadResult(`the figures are not what they should be; ${write}`);
}
