import { truncateBytes } from "../../alerts/channels/text.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { momentText } from "../../lib/zone.ts";
import type { Rails } from "../../rails/rails.ts";
import type { Db, Trx } from "../../store/schema.ts";
import type { RemoteQuestion, RemoteQuestions } from "../remote/message.ts";
import { hashOfCode, newCode } from "./codes.ts";
import { expireQuestions, type Question } from "./question.ts";

/** One that is not known to have got out is sent again after this, with another code. */
const AGAIN_MS = MINUTE_MS;
/** With the line below it, it fits into what a service takes: ntfy's message is 4,096 bytes. */
const MESSAGE_BYTES_MAX = 3_800;
/** Sent at a time; the others follow. */
const QUESTIONS_MAX = 5;

/** The questions that wait for a person, as the phone sends them: each code is made here, and only its hash is kept. */
export function createRemoteQuestions(rails: Pick<Rails, "store" | "clock" | "budget">): RemoteQuestions {
  const { store, clock } = rails;
  return {
    async next() {
      if (!(await isAnyWaiting(store.db))) return [];
      return await store.atomically(async (trx) => {
        const nowMs = clock.nowMs();
        await expireQuestions(trx, nowMs);
        await askAgain(trx, nowMs);
        const waiting = await trx
          .selectFrom("questions")
          .selectAll()
          .where("state", "=", "open")
          .where("sent_at", "is", null)
          .where((eb) => eb.or([eb("code_made_at", "is", null), eb("code_made_at", "<=", nowMs - AGAIN_MS)]))
          .orderBy("asked_at")
          .orderBy("id")
          .limit(QUESTIONS_MAX)
          .execute();
        const made: RemoteQuestion[] = [];
        for (const question of waiting) {
          const code = newCode();
          await trx
            .updateTable("questions")
            .set({ code_hash: hashOfCode(code), code_made_at: nowMs })
            .where("id", "=", question.id)
            .execute();
          made.push(withCode(question, code, rails.budget.timezone));
        }
        return made;
      });
    },
    async sent(id) {
      await store.atomically((trx) =>
        trx.updateTable("questions").set({ sent_at: clock.nowMs() }).where("id", "=", id).execute(),
      );
    },
  };
}

/** Asked every second: only what may be there is looked for in a section. */
async function isAnyWaiting(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom("questions")
    .select("id")
    .where((eb) =>
      eb.or([
        eb.and([eb("state", "=", "open"), eb("sent_at", "is", null)]),
        eb.and([eb("kind", "=", "draft"), eb("state", "=", "yes")]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function withCode(
  { id, kind, message, expires_at }: Question,
  code: string,
  timezone: string,
): RemoteQuestion {
  const [yes, no] = kind === "draft" ? ["approve", "reject"] : ["yes", "no"];
  const until = momentText(expires_at, timezone);
  return {
    id,
    text: `${truncateBytes(message, MESSAGE_BYTES_MAX)}\n\nAnswer until ${until}, once: ${yes} ${code}, or ${no} ${code}`,
    actions: [
      { label: kind === "draft" ? "Approve" : "Yes", message: `${yes} ${code}` },
      { label: kind === "draft" ? "Reject" : "No", message: `${no} ${code}` },
    ],
  };
}

/** A draft that was approved by a code and not begun within this: its process ended, or could not begin. */
const BEGUN_MS = 2 * MINUTE_MS;

/** Asks again about drafts that were approved and of which nothing was tried, since whoever was to do it ended before. */
async function askAgain(trx: Trx, nowMs: number): Promise<void> {
  await trx
    .updateTable("questions")
    .set({
      state: "open",
      code_hash: null,
      code_made_at: null,
      sent_at: null,
      answered_at: null,
      answered_by: null,
    })
    .where("kind", "=", "draft")
    .where("state", "=", "yes")
    .where("answered_at", "<", nowMs - BEGUN_MS)
    .where("expires_at", ">", nowMs)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom("drafts")
          .select("drafts.id")
          .whereRef("drafts.id", "=", "questions.subject")
          .where("drafts.state", "=", "pending")
          .where("drafts.attempted_at", "is", null),
      ),
    )
    .execute();
}
