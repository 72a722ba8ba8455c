/** A block of code, one that does not end goes on to the end; code within a line; or a comment, which may not end either. */
const CODE_OR_COMMENT =
  /^([`~]{3,})[^\n]*\n(?:[\s\S]*?^\1|[\s\S]*)|`[^`\n]*`|<!--[\s\S]*?(?:-->|$(?![\s\S]))/gm;

/** Markdown as a reader sees it: without HTML comments, but for those in code. */
export function withoutComments(markdown: string): string {
  return markdown.replace(CODE_OR_COMMENT, (piece) => (piece.startsWith("<!--") ? "" : piece));
}
