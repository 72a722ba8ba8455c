import { firstUnseen } from "../lib/visible.ts";
import { PermanentFailure } from "./job.ts";

const LENGTH_MAX = 200;

/**
 * A job's key in the one form that is kept: two that differ in nothing that anybody sees are the same job.
 * @throws PermanentFailure for a key that holds what nobody sees, or is empty or too long.
 */
export function jobKey(given: string): string {
  const key = given.normalize("NFC");
  const unseen = firstUnseen(key);
  if (unseen !== null)
    throw new PermanentFailure(
      "bad_key",
      `a job's key is one line of characters that are seen, and this one holds ${unseen}; leave that out`,
    );
  if (key === "" || [...key].length > LENGTH_MAX)
    throw new PermanentFailure("bad_key", `a job's key is one line of 1 to ${LENGTH_MAX} characters`);
  return key;
}
