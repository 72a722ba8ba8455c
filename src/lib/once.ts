/**
 * What is made at its first use and then kept. For what takes long to make (a pattern of Unicode properties takes
 * milliseconds) in a file that every command loads and few make use of.
 */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
