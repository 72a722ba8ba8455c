import { realpathSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { processEnvironment } from "../../config/environment.ts";
import { PermanentFailure } from "../../queue/job.ts";
import { chooseContainment } from "../containment/containment.ts";
import { isWithin, type View } from "../containment/enclosure.ts";

interface Start {
  command: readonly string[];
  cwd: string;
  view: View | null;
}

/** What of a program's start it could not see, its folder before its file; null where it sees both. */
export function hiddenOf({ command: [program = ""], cwd, view }: Start): string | null {
  if (view === null) return null;
  const file = program.includes("/") ? [isAbsolute(program) ? program : resolve(cwd, program)] : [];
  const isIn = (path: string) => (folder: string) => isWithin(realPath(path), realPath(folder));
  return [cwd, ...file].find((path) => view.hidden.some(isIn(path)) && !view.kept.some(isIn(path))) ?? null;
}

/** What to do about it. */
export const MOVE_OUT =
  "move it out of the state, or into the folder work in there, which programs see; or write state: visible in the job";

/** @throws PermanentFailure where the folder or the file of a program is hidden from it. */
export async function refuseHidden(job: string, start: Start): Promise<void> {
  const path = hiddenOf(start);
  if (path === null) return;
  const { viewRefusal } = await chooseContainment(processEnvironment().PATH);
  if (viewRefusal !== null) return;
  throw new PermanentFailure(
    "exec_hidden",
    `job ${job}: ${path} is hidden from programs of jobs; ${MOVE_OUT}`,
  );
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What is not there is said by whoever starts it.
    return path;
  }
}
