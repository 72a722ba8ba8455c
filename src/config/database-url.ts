/** Of the host: where the database is that several machines share. */
export const DATABASE_VARIABLE = "DATABASE_URL";

/** What is to be written instead of what is no URL of a database, without what is in it; null where it is one. */
export function databaseUrlProblem(value: string): string | null {
  const url = URL.parse(value);
  if (!/^postgres(?:ql)?:\/\//i.test(value)) return WRITE_URL;
  if (hostsOf(value, url).includes(",")) return WRITE_ONE;
  if (url === null || isCut(url)) return WRITE_URL;
  return isEscaped(value) ? null : "write % in the password as %25";
}

/** With marks that keep it from being taken for one with a password, and hidden. */
const WRITE_URL =
  "write postgres://<user>:<password>@<host>:5432/<name>; a /, ? or # in the password is written %2F, %3F, %23";
const WRITE_ONE =
  "write one host, by an address that follows the primary: a URL with several is not supported";

function hostsOf(value: string, url: URL | null): string {
  if (url !== null) return `${url.host}${url.searchParams.get("host") ?? ""}`;
  const start = Math.max(value.lastIndexOf("@"), value.indexOf("//") + 1) + 1;
  return value.slice(start).split(/[/?#]/)[0] ?? "";
}

/** Whether the host's part ended within a password: what is before its /, ? or # may look like a host with its port. */
function isCut({ username, pathname, searchParams, hash }: URL): boolean {
  const [first = ""] = searchParams.keys();
  return username === "" && [pathname, first, hash].some((part) => part.includes("@"));
}

/** Also for the library, which reads all escapes of a URL in another way where one of them is none. */
function isEscaped(value: string): boolean {
  try {
    decodeURIComponent(value);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}
