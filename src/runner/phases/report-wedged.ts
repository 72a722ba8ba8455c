import { readFileSync, rmSync, statSync } from "node:fs";
import * as v from "valibot";
import { toIso } from "../../lib/clock.ts";
import { asSentence, endOfError } from "../../lib/text.ts";
import type { Uses } from "../dependencies.ts";
import { type WedgeMarker, wedgeMarkerIn } from "../wedge/marker.ts";

/** Reports, once, a process that its guard had to kill. A marker that cannot be understood is reported too. */
export async function reportWedged(dependencies: Uses<"config" | "store" | "outbox">): Promise<void> {
  const { config, store, outbox } = dependencies;
  const path = wedgeMarkerIn(config.paths.state);
  const marker = readMarker(path);
  if (marker === null) return;
  const { reason, at, ...ids } = marker;
  const message = `The process at work did not react and was killed by its guard on ${toIso(at)}: ${asSentence(endOfError(reason))}`;
  await store.atomically((trx) =>
    outbox.announce(trx, {
      event: "wedged",
      title: "A process that hung was killed",
      message: `${message} What it had begun is recovered. Look: afk logs --event wedged`,
      subject: "",
      occurrence: String(at),
      ...ids,
    }),
  );
  // After the commit: a crash in between reports it again, under a key that is known by then.
  rmSync(path, { force: true });
}

const Marker = v.object({
  reason: v.string(),
  at: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15)),
  tick: v.exactOptional(v.string()),
  job: v.exactOptional(v.string()),
});

function readMarker(path: string): WedgeMarker | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  // Half a file when the disk was full.
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Marker), readFileSync(path, "utf8"));
  if (parsed.success) return parsed.output;
  return { reason: `what it wrote to ${path} cannot be read`, at: Math.floor(found.mtimeMs) };
}
