/**
 * What is read once for all who ask in the same turn of the event loop: requests that arrive together need not each look at the
 * same file. For looks that another one, of its own, follows before anything depends on them.
 */
export function oncePerTurn<T>(read: () => T): () => T {
  let kept: { value: T } | null = null;
  return () => {
    if (kept === null) {
      kept = { value: read() };
      setImmediate(() => {
        kept = null;
      });
    }
    return kept.value;
  };
}
