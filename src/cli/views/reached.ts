import { shortId } from "../../lib/ids.ts";
import type { Stopped } from "../../ops/stop.ts";
import type { Reached } from "../../ops/stop-fleet.ts";
import { oneLine, paint } from "../output.ts";

/** Which machines of a fleet a stop has reached; nothing where there is no fleet. */
export function reachedLines({ machines, isHereAlone }: Pick<Stopped, "machines" | "isHereAlone">): string[] {
  if (isHereAlone)
    return [
      paint("red", "ONLY THIS MACHINE was stopped") +
        ": the database of the fleet could not be used. A machine that reaches it goes on: say afk stop there, or here once it answers",
    ];
  if (machines === undefined) return [];
  if (machines === null) return ["which machines have seen it is not known here: afk machines"];
  if (machines.length === 0) return ["no machine was at work"];
  const seen = machines.filter(({ state }) => state === "seen" || state === "ended");
  const others = machines.filter((machine) => !seen.includes(machine));
  const names = seen.map((each) =>
    each.state === "ended" ? `${nameOf(each)}, which has ended` : nameOf(each),
  );
  return [
    ...(seen.length === 0 ? [] : [`seen by ${names.join("; ")}`]),
    ...others.map((each) => `${paint("red", "NOT seen")} by ${nameOf(each)}: ${whyUnseen(each)}`),
    ...(others.length === 0
      ? []
      : ["to be sure of those, stop them there: the STOP file, docker kill, or their power"]),
  ];
}

function nameOf({ part, name, id }: Reached): string {
  return `${part === "gateway" ? "the gateway of " : ""}${oneLine(name)} (${shortId(id)})`;
}

function whyUnseen({ state, lookedAt }: Reached): string {
  return state === "unreachable"
    ? `not reachable, its lease is over, so it may call nothing; its last look was at ${lookedAt}`
    : `it has not looked since ${lookedAt}; one that cannot look for 5 s calls nothing`;
}
