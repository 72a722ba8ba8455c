const NAME_PATTERN = /^[\p{L}_][\p{L}\p{N}\p{M}_.:-]{0,99}$/u;

/** The beginning of an element. A name that is none goes, and what it held stays: some feeds put `<3` in a title. */
export function tagOf(name: string, attributes: Record<string, string>): string {
  if (!NAME_PATTERN.test(name)) return "";
  const quoted = (value: string) => value.replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const named = Object.entries(attributes).filter(([attribute]) => NAME_PATTERN.test(attribute));
  return `<${name}${named.map(([attribute, value]) => ` ${attribute}="${quoted(value)}"`).join("")}>`;
}

/** The end of an element; empty where its name is none. */
export function closingOf(name: string): string {
  return NAME_PATTERN.test(name) ? `</${name}>` : "";
}
