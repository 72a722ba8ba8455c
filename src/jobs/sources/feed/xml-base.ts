/**
 * The addresses that relative links start from, level by level (XML Base; RFC 3986, section 5.1): each `xml:base` starts from the one around it,
 * the first from the document's own address. Where there is none, links stay as they are.
 */
export function createXmlBases(documentBase: string | undefined) {
  const levels: (string | null)[] = [];
  const current = () => levels.at(-1) ?? null;
  return {
    /** An element begins, with this `xml:base`. */
    open(own: string | undefined): void {
      const around = current() ?? documentBase;
      levels.push(own === undefined ? current() : (URL.parse(own.trim(), around)?.href ?? current()));
    },
    close(): void {
      levels.pop();
    },
    /** Whether any `xml:base` applies to the element that is open. */
    applies: () => current() !== null,
    /** An address of that element. Entities in it stay as they are: resolving changes no part that has any. */
    resolve: (link: string): string => URL.parse(link.trim(), current() ?? undefined)?.href ?? link,
  };
}
