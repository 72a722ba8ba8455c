/**
 * A block of code, one that does not end goes on to the end; code within a line; or a comment, which may not end either, or is
 * written as the target of a link that nothing uses. The marks are looked ahead for, so that they are taken as a whole: the
 * pattern would else try all their parts.
 */
const CODE_OR_COMMENT =
  /^(?=([`~]{3,}))\1[^\n]*\n(?:[\s\S]*?^\1|[\s\S]*)|`[^`\n]*`|<!--[\s\S]*?(?:-->|$(?![\s\S]))|^\[(?:\/\/|comment)\]:[ \t]*(?:#|<#?>)[ \t]*[("'][^\n]*$/gim;

/** Markdown as a reader sees it: without HTML comments, but for those in code. */
export function withoutComments(markdown: string): string {
  return markdown.replace(CODE_OR_COMMENT, (piece) => (/^(?:<!--|\[)/.test(piece) ? "" : piece));
}
