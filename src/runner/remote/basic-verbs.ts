import { readKill, setKill } from "../../rails/kill.ts";
import type { Rails } from "../../rails/rails.ts";
import type { Obey, RemoteQuestions } from "./message.ts";
import { isStop } from "./stop-words.ts";

/** What the phone can have done, by the word that its message begins with. */
export function createBasicVerbs(rails: Rails): { obey: Obey; questions: RemoteQuestions } {
  const { outbox, clock, stopFile, store } = rails;
  return {
    async obey(trx, { text }, by) {
      if (isStop(text)) {
        await setKill(trx, outbox.announce, `phone: stopped by ${by}`, clock.nowMs());
        return { reply: "Stopped. No model is called until, at the keyboard: afk resume" };
      }
      if (text.toLowerCase() !== "status") return { reply: `Not known. Send stop or status.` };
      return {
        reply: null,
        after: async () => {
          const kill = await readKill(store.db, stopFile);
          return kill === null ? "Not stopped." : `Stopped: ${kill.reason}. Only at the keyboard: afk resume`;
        },
      };
    },
    questions: { next: async () => [], sent: async () => undefined },
  };
}
