/** Text that may or may not end in a full stop, as a sentence that does. */
export function asSentence(text: string): string {
  return `${text.trim().replace(/[.\s]+$/, "")}.`;
}
