import type { Action } from "./action.ts";
import { post } from "./post.ts";

/** Every action there is; `context.draft` names one of them. */
// Each action's content is parsed by its own schema just before it is run, so their types need not agree.
export const actions: readonly Action[] = [post as Action];
