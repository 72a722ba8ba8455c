import type { Action } from "./action.ts";
import { githubAssign, githubComment, githubLabel } from "./github.ts";
import { mailDraft } from "./mail-draft.ts";
import { post } from "./post.ts";
import { pullRequest } from "./pull-request.ts";

/** Every action there is; `context.draft` names one. Its own schema parses its content, so their types need not agree. */
export const actions: readonly Action[] = [
  post as Action,
  mailDraft as Action,
  githubLabel as Action,
  githubComment as Action,
  githubAssign as Action,
  pullRequest as Action,
];
