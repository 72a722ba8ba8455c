import { PermanentFailure } from "../../queue/job.ts";
import { isDraftName, readDraft } from "../actions/read-draft.ts";
import { BadResult, type HandedIn, WRITE_DRAFTS } from "./result-file.ts";

/**
 * Checks the drafts that a program handed in, before its run is recorded: refused later, `afk dead retry` would find the same record
 * again, and never run the program.
 * @throws BadResult for a name that is none; PermanentFailure for what an action refuses. Both say which draft.
 */
export function checkHandedDrafts(job: string, handed: Pick<HandedIn, "drafts"> | null | undefined): void {
  for (const [index, { name, action, content }] of (handed?.drafts ?? []).entries()) {
    const at = `is refused at "drafts.${index}"`;
    if (!isDraftName(name)) throw new BadResult(job, `${at}: ${WRITE_DRAFTS}`);
    try {
      readDraft(action, JSON.stringify(content));
    } catch (error) {
      if (!(error instanceof PermanentFailure)) throw error;
      const message = `job ${job}: what its program wrote into AFK_RESULT ${at}: ${error.message}`;
      throw new PermanentFailure(error.code, message, { cause: error });
    }
  }
}
