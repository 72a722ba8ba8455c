import { formatRelative } from "../../lib/duration-text.ts";
import { plural } from "../../lib/text.ts";
import { ownerWords } from "../../lib/windows.ts";
import { momentText } from "../../lib/zone.ts";
import type { Status } from "../../ops/status.ts";
import { oneLine, paint } from "../output.ts";

type Row = readonly [label: string, text: string];

/** For whom instants are written. */
interface When {
  nowMs: number;
  timezone: string;
}

/** The breakers that have something to say, as rows of the status. */
export function breakerRows({ breakers: list }: Pick<Status, "breakers">, options: When): Row[] {
  const news = list.filter(({ state, failures }) => state !== "closed" || failures > 0);
  if (news.length === 0) return [["breakers", `${paint("green", "all closed")}: every call may go out`]];
  return news.map((breaker, i) => [i === 0 ? "breakers" : "", breakerText(breaker, options)]);
}

function breakerText(breaker: Status["breakers"][number], { nowMs, timezone }: When): string {
  const { state, failures, until, reason } = breaker;
  const name = oneLine(breaker.name);
  if (state === "blocked")
    return `${ownerWords(name) ?? name} ${paint("red", "refused")} until you run afk resume: ${oneLine(reason ?? "")}`;
  if (state === "closed" || until === null)
    return `${name} ${paint("yellow", `closed, ${plural(failures, "failure")} in a row`)}`;
  if (state === "half_open") return `${name} ${paint("yellow", "on trial: one call decides")}`;
  const at = Date.parse(until);
  const when =
    at > nowMs ? `until ${momentText(at, timezone)} (${formatRelative(at, nowMs)})` : "until its next trial";
  const because = reason === null || reason === "" ? "" : `: ${oneLine(reason)}`;
  const owner = ownerWords(name);
  // A client needs no trial: its next request closes it.
  if (owner !== null && at <= nowMs) return `${owner} may ask again; it was refused${because}`;
  return owner === null
    ? `${name} ${paint("red", "open, not called")} ${when}${because}`
    : `${owner} ${paint("red", "is refused")} ${when}${because}`;
}
