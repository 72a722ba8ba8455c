import { idAt, nextAfter, ROWS, type Sweep, type Swept } from "./sweep.ts";

/** Removes drafts that a person has decided. One that waits, or may have been done, stays until somebody has. */
export const draftsSweep: Sweep = {
  name: "drafts",
  key: "sweep_drafts",
  async step(trx, { historyMs }, after): Promise<Swept> {
    const drafts = await trx
      .selectFrom("drafts")
      .select(["id", "decided_at"])
      .where("id", ">", after)
      .where("id", "<", idAt(historyMs))
      .orderBy("id")
      .limit(ROWS)
      .execute();
    let removed = 0;
    for (const { id, decided_at } of drafts) {
      if (decided_at === null || decided_at >= historyMs) continue;
      await trx.deleteFrom("drafts").where("id", "=", id).execute();
      removed += 1;
    }
    return { removed, next: nextAfter(drafts) };
  },
};
