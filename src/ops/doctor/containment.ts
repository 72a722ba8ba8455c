import { chooseContainment } from "../../jobs/containment/containment.ts";
import { assertNever } from "../../lib/errors.ts";
import { type Examination, type Finding, ok, skipped, type WithConfig, warn } from "./check.ts";

const NAME = "containment";

/** What keeps the programs that jobs start, and all that those start, from outliving their job. */
export const containment: Examination<WithConfig> = {
  group: "host",
  name: NAME,
  look: async ({ config, host }) => {
    if (!config.jobs.some(({ kind }) => kind === "exec")) return [ok(NAME, "no job starts a program")];
    const chosen = await chooseContainment(host.environment.PATH);
    // What `docker exec` starts has no parent in the container, and is not what the container is for.
    if (chosen.kind === "marks" && host.isContainer && process.ppid === 0) {
      return [
        skipped(NAME, "cannot be told from here; the worker's log tells it: afk logs --event exec_started"),
      ];
    }
    return [findingOf(chosen, host.platform)];
  },
};

function findingOf(
  { kind, refusal }: Awaited<ReturnType<typeof chooseContainment>>,
  platform: string,
): Finding {
  switch (kind) {
    case "namespace":
      return ok(
        NAME,
        "what a job starts has a PID namespace of its own, and the kernel ends it with the job",
      );
    case "container":
      return ok(
        NAME,
        "afk is alone in its container: what a job starts is ended with the job, and at the latest with afk",
      );
    case "marks":
      return warn(
        NAME,
        `what a job starts is searched for by its marks, and a program that tries to can get away (no PID namespace: ${refusal})`,
        platform === "linux" ? MEND : "run afk in its image, where nothing outlives the container",
      );
    default:
      return assertNever(kind);
  }
}

const MEND =
  "apt-get install util-linux; where user namespaces are restricted, as in Ubuntu since 24.04: " +
  "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run afk as root or in its image";
