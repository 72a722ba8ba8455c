/** A host name, or `*.` and a domain, which stands for all its subdomains but not for the domain itself. */
export const HOST_PATTERN =
  /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;

/** Whether `pattern` (of `egress.allow`) admits `host`; a `host` that is a pattern itself must be wholly admitted. */
export function hostMatches(pattern: string, host: string): boolean {
  const wanted = host.toLowerCase();
  const allowed = pattern.toLowerCase();
  if (allowed === wanted) return true;
  return allowed.startsWith("*.") && wanted.replace(/^\*\./, "x.").endsWith(allowed.slice(1));
}

/** Whether a host, as URL gives it, is this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
