/**
 * Whether a name is as a pattern says, in which `*` stands for anything. It takes time in proportion to the name, which an
 * expression with several stars would not.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return (name) => name === first;
  return (name) => {
    if (name.length < first.length + last.length) return false;
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    const inner = name.slice(first.length, name.length - last.length);
    let from = 0;
    for (const part of rest) {
      const at = inner.indexOf(part, from);
      if (at === -1) return false;
      from = at + part.length;
    }
    return true;
  };
}
