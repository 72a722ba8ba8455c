/**
 * What the sender of a mail wrote: its text without the lines of an earlier mail (`> …`), the one that names it, and the
 * signature. All of it where nothing else is there.
 */
export function ownText(text: string): string {
  const [body = ""] = text.split(/^-- ?\r?$/m, 1);
  const own = body.replace(QUOTED, "");
  return own.trim() === "" ? text : own;
}

/**
 * Lines of a quotation, with the line before them where that names who wrote it and when. `>From ` is how an mbox writes a
 * line of its own.
 */
const QUOTED =
  /(?:^(?!>)[^\n]{0,200}[\d@][^\n]{0,200}:[ \t\r]*\n\s{0,20}(?=>))?(?:^>(?!>*From )[^\n]*(?:\n|$))+/gm;
