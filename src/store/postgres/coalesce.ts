import type { CompiledQuery, QueryResult } from "kysely";

type Execute = (query: CompiledQuery) => Promise<QueryResult<unknown>>;

/**
 * Those who ask the same while it is being asked share the next answer: one that was asked for after all of them had come, so
 * each has what was committed when it asked. With many calls at a time each would else wait for a connection of its own.
 */
export function coalesce(execute: Execute): Execute {
  const asked = new Map<string, { next: Promise<QueryResult<unknown>> | null; running: Promise<unknown> }>();
  return (query) => {
    const key = JSON.stringify([query.sql, query.parameters]);
    const before = asked.get(key);
    if (before?.next != null) return before.next;
    if (before !== undefined) {
      before.next = before.running.then(() => start(key, query));
      return before.next;
    }
    return start(key, query);
  };

  function start(key: string, query: CompiledQuery): Promise<QueryResult<unknown>> {
    const answer = execute(query);
    const entry = { next: null as Promise<QueryResult<unknown>> | null, running: settled(answer) };
    asked.set(key, entry);
    void entry.running.then(() => {
      if (entry.next === null) asked.delete(key);
    });
    return answer;
  }
}

/** Either way: whoever asked has the error. */
async function settled(answer: Promise<unknown>): Promise<void> {
  await Promise.allSettled([answer]);
}
