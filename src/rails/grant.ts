import type { CapGrantsTable } from "../store/schema/queue.ts";
import type { Trx } from "../store/schema.ts";

/**
 * Lets one run have more than a cap of its job, as a person has answered. False where it was granted before: a window and unit of a
 * run is granted once.
 */
export async function grantToRun(trx: Trx, grant: CapGrantsTable): Promise<boolean> {
  const result = await trx
    .insertInto("cap_grants")
    .values(grant)
    .onConflict((conflict) => conflict.columns(["job", "window", "amount"]).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}
