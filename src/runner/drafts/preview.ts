import type { PreparedDraft } from "../../egress/imap/prepare-append.ts";
import type { Outgoing, OutgoingRequest } from "../../egress/types.ts";
import type { PushRequest } from "../../jobs/actions/action.ts";
import { readDraft } from "../../jobs/actions/read-draft.ts";
import { AfkError } from "../../lib/errors.ts";
import { type DraftDetail, findDraft } from "../../ops/drafts.ts";
import type { Uses } from "../dependencies.ts";
import { authorizationFor, HIDDEN_AUTHORIZATION, mailboxOf } from "./credentials.ts";
import { checkPush } from "./push.ts";
import { noDraft } from "./refused.ts";

/** A draft, and the request that its approval would send. */
export interface DraftPreview {
  draft: DraftDetail;
  /** Exactly what would go out; without afk's own headers when it would be refused; null when it cannot be made. */
  request: OutgoingRequest | null;
  /** Where a message would be put, and what is in it; null when it cannot be made. */
  append: PreparedDraft | null;
  /** The branch that would be pushed before; null where none is. */
  push: PushRequest | null;
  /** Why approving it would be refused, whatever its state: its content, or the host is not allowed. */
  refusal: string | null;
}

/**
 * Runs the action with tools that send nothing, so that what is shown comes from the very code that would send it.
 * @throws DraftRefused when there is no such draft.
 */
export async function previewDraft(
  dependencies: Uses<"config" | "store"> & { outgoing: Outgoing },
  id: string,
): Promise<DraftPreview> {
  const draft = await findDraft(dependencies.store.db, id);
  if (draft === undefined) throw noDraft(id);
  const { config, outgoing } = dependencies;
  const shown: Pick<DraftPreview, "request" | "append" | "push"> = {
    request: null,
    append: null,
    push: null,
  };
  try {
    const { action, content } = readDraft(draft.action, JSON.stringify(draft.content));
    await action.run(content, {
      idempotencyKey: id,
      signal: new AbortController().signal,
      async push(wanted) {
        shown.push = wanted;
        checkPush(dependencies, wanted);
      },
      async post(url, { credentials, alsoDone: _alsoDone, ...wanted }) {
        shown.request = { ...wanted, url };
        if (credentials !== undefined) authorizationFor(config, credentials, url);
        const authorization = credentials === undefined ? {} : { authorization: HIDDEN_AUTHORIZATION };
        shown.request = outgoing.prepare(url, { ...wanted, ...authorization, idempotencyKey: id });
        return { status: 200 };
      },
      async append(from, wanted) {
        shown.append = outgoing.prepareAppend(mailboxOf(config, from), { ...wanted, idempotencyKey: id });
        return { folder: "", wasThere: false };
      },
    });
    return { draft, ...shown, refusal: null };
  } catch (error) {
    if (!(error instanceof AfkError)) throw error;
    return { draft, ...shown, refusal: error.message };
  }
}
