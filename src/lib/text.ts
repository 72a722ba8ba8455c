/** Text that may or may not end in a full stop, as a sentence that ends. */
export function asSentence(text: string): string {
  const trimmed = text.trim();
  return /[!?…]$/.test(trimmed) ? trimmed : `${trimmed.replace(/[.\s]+$/, "")}.`;
}
