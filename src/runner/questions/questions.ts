import { AfkError, EXIT } from "../../lib/errors.ts";
import type { Store } from "../../store/store.ts";
import { type Answered, type AnswerUses, answer } from "./answer.ts";
import { expireQuestions, KEYBOARD } from "./question.ts";

/** Where a person at the keyboard answers. Drafts are decided about by their own command. */
export interface Questions {
  /** @throws AfkError `unknown_question`, or `question_of_draft` */
  answer(id: string, isYes: boolean): Promise<Answered>;
}

/** The questions of an agent, for people at the keyboard. */
export function createQuestions(uses: AnswerUses & { store: Store }): Questions {
  return {
    answer: async (id, isYes) =>
      await uses.store.atomically(async (trx) => {
        await expireQuestions(trx, uses.clock.nowMs());
        const question = await trx
          .selectFrom("questions")
          .selectAll()
          .where("id", "=", id)
          .executeTakeFirst();
        if (question === undefined)
          throw refused("unknown_question", `there is no question ${id}; see: afk questions`);
        if (question.kind === "draft")
          throw refused(
            "question_of_draft",
            `question ${id} is about a draft; decide with: afk drafts approve ${question.subject}, or: afk drafts reject ${question.subject}`,
          );
        return await answer(trx, uses, question, { isYes, by: KEYBOARD });
      }),
  };
}

function refused(code: string, message: string): AfkError {
  return new AfkError(code, message, { retry: "never", exitCode: EXIT.failed });
}
