/** Subject and occurrence of an alert whose key is the event, what it is about, and a last part without a colon. */
export function partsOf(event: string, key: string): { subject: string; occurrence: string } {
  const rest = key.slice(event.length + 1);
  const end = rest.lastIndexOf(":");
  return { subject: rest.slice(0, Math.max(end, 0)), occurrence: rest.slice(end + 1) };
}
