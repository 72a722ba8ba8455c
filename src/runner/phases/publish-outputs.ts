import type { Notice } from "../../alerts/outbox.ts";
import { toIso } from "../../lib/clock.ts";
import { asSentence, clip, endOfError } from "../../lib/text.ts";
import { publishPending, type SetAside } from "../../queue/publish.ts";
import type { Uses, Writing } from "../dependencies.ts";
import type { PhaseResult } from "./result.ts";

/** Publishes what is saved and not in `out/` yet, and reports what was set aside. */
export async function publishOutputs({
  config,
  store,
  outbox,
  clock,
  rails,
}: Writing & Uses<"rails">): Promise<PhaseResult> {
  const nowMs = clock.nowMs();
  const { out } = config.paths;
  const { files, setAside } = await publishPending(store.db, out, nowMs, rails.machine?.id);
  if (setAside.length > 0) {
    await store.atomically(async (trx) => {
      for (const each of setAside) await outbox.announce(trx, noticeOf(each, out, nowMs), "quiet");
    });
  }
  return { outputs: files, unwritable: setAside.find(({ name }) => name === null)?.reason ?? null };
}

/** A file is reported once; a folder that takes none once a day, since it may have been well in between. */
function noticeOf({ name, reason }: SetAside, out: string, nowMs: number): Notice {
  const isSafe = "It is kept, and every tick tries again. Look: afk doctor";
  if (name === null) {
    return {
      event: "output_set_aside",
      title: "No output can be written",
      message: `Nothing can be written into ${out}. ${asSentence(endOfError(reason))} ${isSafe}`,
      subject: "out",
      occurrence: toIso(nowMs).slice(0, 10),
    };
  }
  const shown = JSON.stringify(clip(name, 60));
  return {
    event: "output_set_aside",
    title: "An output was set aside",
    message: `${shown} was not written into ${out}: ${asSentence(endOfError(reason))} ${isSafe}`,
    subject: "file",
    occurrence: name.slice(0, 160),
  };
}
