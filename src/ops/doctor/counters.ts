import { clockAgrees, countersAgree } from "../counters.ts";
import { bad, type Examination, ok, type WithStore } from "./check.ts";

const SHOWN_MAX = 3;

export const counters: Examination<WithStore> = {
  group: "money",
  name: "counters",
  look: async ({ store, clock }) => {
    const differences = [...(await countersAgree(store.db)), ...(await clockAgrees(store.db, clock.nowMs()))];
    if (differences.length === 0) return [ok("counters", "agree with the ledger")];
    const more = differences.length > SHOWN_MAX ? `; and ${differences.length - SHOWN_MAX} more` : "";
    return [
      bad(
        "counters",
        `${differences.slice(0, SHOWN_MAX).join("; ")}${more}`,
        "afk stop, then restore a backup (afk restore FILE); spend may be miscounted until then",
      ),
    ];
  },
};
