/** Hostile contents by name, and what has to come of each. All are built when asked for, as they are large. */
export type ContentBombs = Record<string, [content: () => string, outcome: RegExp]>;

export const FEED_BYTES = 4 * 1024 * 1024;
export const FILE_BYTES = 16 * 1024 * 1024;
const API_BYTES = 8 * 1024 * 1024;

const HEAD = '<?xml version="1.0"?><rss version="2.0"><channel>';
const TAIL = "</channel></rss>";
const ENTRY = "<item><title>x</title></item>";
const ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">';
const JSON_HEAD = '{"version":"https://jsonfeed.org/version/1.1",';
const TOO_MANY = /more (?:tags and attributes|than \d+ values)/;
const UNREADABLE = /^source_unreadable/;
const READ = /^\d+ items/;

/** `unit` as often as it fits. */
function filled(head: string, unit: string, tail: string, bytesMax: number): string {
  return head + unit.repeat(Math.floor((bytesMax - head.length - tail.length) / unit.length)) + tail;
}

function feed(head: string, unit: string, tail: string): () => string {
  return () => filled(head, unit, tail, FEED_BYTES);
}

/** Units that are all different. */
function numbered(head: string, unit: (n: number) => string, tail: string): () => string {
  return () => {
    const parts = [head];
    let chars = head.length + tail.length;
    for (let n = 0; chars < FEED_BYTES - 100; n++) {
      const part = unit(n);
      parts.push(part);
      chars += part.length;
    }
    return parts.concat(tail).join("");
  };
}

const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join("");
const cdata = (html: string) => `<item><title>x</title><description><![CDATA[${html}]]></description></item>`;

export const FEED_BOMBS: ContentBombs = {
  "a billion laughs": [
    () => `<!DOCTYPE rss [<!ENTITY l0 "ha">${laughs}]>${HEAD}<item><title>&l9;</title></item>${TAIL}`,
    READ,
  ],
  "quadratic entities": [
    feed(
      `<!DOCTYPE rss [<!ENTITY a "${"A".repeat(60_000)}">]>${HEAD}<item><title>`,
      "&a;",
      `</title></item>${TAIL}`,
    ),
    READ,
  ],
  "an entity of its own in every item": [
    numbered(
      `<!DOCTYPE rss [`,
      (n) => `<!ENTITY a${n} "b">`,
      `]>${HEAD}<item><title>&a1;</title></item>${TAIL}`,
    ),
    READ,
  ],
  "an external entity": [
    () =>
      `<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>${HEAD}<item><title>&a;</title></item>${TAIL}`,
    READ,
  ],
  "a doctype without end": [feed("<!DOCTYPE rss [", "<!ENTITY ", `]>${HEAD}${ENTRY}${TAIL}`), READ],
  "tags nested without end": [feed(HEAD, "<a>", ""), UNREADABLE],
  "tags nested as deep as they are closed": [
    () => HEAD + "<a>".repeat(500_000) + "</a>".repeat(500_000) + TAIL,
    UNREADABLE,
  ],
  "towers of tags": [feed(HEAD, "<a>".repeat(80) + "</a>".repeat(80), TAIL), TOO_MANY],
  "empty tags": [feed(`${HEAD}<item>`, "<a/>", `</item>${TAIL}`), TOO_MANY],
  "tags that are all different": [numbered(`${HEAD}<item>`, (n) => `<t${n}/>`, `</item>${TAIL}`), TOO_MANY],
  "tiny items": [feed(HEAD, ENTRY, TAIL), /^200 items/],
  "tiny Atom entries": [feed(ATOM, "<entry><title>x</title></entry>", "</feed>"), /^200 items/],
  "links without end in one entry": [feed(`${ATOM}<entry>`, '<link href="x"/>', "</entry></feed>"), TOO_MANY],
  "attributes that are all different": [
    numbered(`${HEAD}<item `, (n) => `a${n}="1" `, `/>${ENTRY}${TAIL}`),
    TOO_MANY,
  ],
  "attributes without values": [feed(`${HEAD}<item `, "b ", `/>${ENTRY}${TAIL}`), TOO_MANY],
  "attributes without quotes": [feed(`${HEAD}<item `, "b=c ", `/>${ENTRY}${TAIL}`), TOO_MANY],
  "attributes behind an instruction": [feed(`${HEAD}<?a > `, "b='c' ", `?>${ENTRY}${TAIL}`), READ],
  "attributes behind a quote in a title": [
    feed(`${HEAD}<item><title><b "</title><item x=">" `, "b ", `></item></item>${TAIL}`),
    // Whichever way it is read, it must end.
    /^(?:\d+ items|source_unreadable)/,
  ],
  "namespaces that are all different": [
    numbered("<rss ", (n) => `xmlns:a${n}="http://x/${n}" `, `><channel>${ENTRY}${TAIL}`),
    TOO_MANY,
  ],
  "one line of text": [feed(`${HEAD}<item><title>`, "x", `</title></item>${TAIL}`), /^1 items/],
  "one line of entities": [feed(`${HEAD}<item><title>`, "&#65;", `</title></item>${TAIL}`), /^1 items/],
  "one line of angle brackets": [feed(`${HEAD}<item><title>`, "<", `</title></item>${TAIL}`), UNREADABLE],
  "nothing but spaces": [feed(`${HEAD}<item><a>`, " ", `</a></item>${TAIL}`), UNREADABLE],
  comments: [feed(HEAD, "<!---->", ENTRY + TAIL), READ],
  "comments that do not end": [feed(HEAD, "<!--", ENTRY + TAIL), UNREADABLE],
  "CDATA sections": [feed(`${HEAD}<item><title>`, "<![CDATA[]]>", `x</title></item>${TAIL}`), READ],
  "CDATA sections that do not end": [
    feed(`${HEAD}<item><title>`, "<![CDATA[", `</title></item>${TAIL}`),
    UNREADABLE,
  ],
  instructions: [feed(HEAD, "<?a?>", ENTRY + TAIL), READ],
  "tag names of a mebibyte": [() => `${HEAD}<${"a".repeat(2 ** 20)}/>${ENTRY}${TAIL}`, READ],
  "HTML of closing tags that match nothing": [
    feed(HEAD, cdata("<b>".repeat(3_900) + "</i>".repeat(3_000)), TAIL),
    READ,
  ],
  "HTML of paragraphs in links": [feed(HEAD, cdata("</p><a>".repeat(3_400)), TAIL), READ],
  "HTML nested without end": [feed(HEAD, cdata("<div>".repeat(4_000)), TAIL), READ],
  "an id made for a slow pattern": [
    () => `${HEAD}<item><guid>&lt;${"@".repeat(1_000_000)}</guid><title>x</title></item>${TAIL}`,
    /^1 items/,
  ],
  "a date of four mebibytes": [
    feed(`${HEAD}<item><title>x</title><pubDate>`, "1 ", `</pubDate></item>${TAIL}`),
    READ,
  ],
  "a link of four mebibytes": [
    feed(`${HEAD}<item><title>x</title><link>http://a/`, "../a/", `</link></item>${TAIL}`),
    READ,
  ],
  "JSON nested without end": [() => `${JSON_HEAD}"items":${"[".repeat(2e6)}${"]".repeat(2e6)}}`, TOO_MANY],
  "JSON of empty objects": [feed(`${JSON_HEAD}"items":[`, "{},", "{}]}"), TOO_MANY],
  "JSON of keys that are all different": [numbered(JSON_HEAD, (n) => `"k${n}":0,`, '"items":[]}'), TOO_MANY],
  "JSON as one string": [feed(`${JSON_HEAD}"items":[{"title":"`, "\\u0041", '"}]}'), READ],
  "JSON with HTML made to be slow": [
    feed(
      `${JSON_HEAD}"items":[`,
      `{"id":"1","content_html":"${"</p><a>".repeat(3_400)}"},`,
      '{"title":"x"}]}',
    ),
    READ,
  ],
};

const api = (unit: string) => () => filled("[", `${unit},`, `${unit}]`, API_BYTES);

export const GITHUB_BOMBS: ContentBombs = {
  "an answer of empty objects": [api("{}"), TOO_MANY],
  "an answer of numbers": [api("1"), TOO_MANY],
  "as many wrong entries as may be read": [() => `[${"{},".repeat(99_000)}{}]`, /answered something else/],
  "as many tiny releases as fit": [api('{"html_url":"","tag_name":"a"}'), TOO_MANY],
  "an answer nested without end": [() => "[".repeat(FEED_BYTES), TOO_MANY],
  "an answer that is one release of four mebibytes": [
    () =>
      `[{"html_url":"https://example.org/","tag_name":"a","body":"${"\\n".repeat(FEED_BYTES / 2 - 50)}"}]`,
    /^1 items/,
  ],
};

const POSTMARK = "From a@example.org Mon Nov  2 08:00:00 2026\n";
const multipart = (boundary: string) =>
  `Subject: x\nContent-Type: multipart/mixed; boundary="${boundary}"\n\n`;
const file =
  (head: string, unit: string, tail = "") =>
  () =>
    filled(head, unit, tail, FILE_BYTES);

/** By file name, whose ending decides how it is read. */
export const FILE_BOMBS: ContentBombs = {
  "lines.eml": [file("Subject: x\n\n", "\n"), READ],
  "parts.eml": [file(multipart("a"), "--a\n\n"), READ],
  "named-parts.eml": [file(multipart("a"), "--a\nContent-Type: text/html\n\n<\n"), READ],
  "nested-parts.eml": [
    () => Array.from({ length: 5_000 }, (_, n) => `${multipart(`b${n}`)}--b${n}\n`).join(""),
    READ,
  ],
  "mails-in-mails.eml": [file("", "Content-Type: message/rfc822\n\n"), READ],
  "mails-side-by-side.eml": [
    file(multipart("a"), "--a\nContent-Type: message/rfc822\n\nSubject: y\n\n"),
    READ,
  ],
  "headers.eml": [file("Subject: x\n", "a:\n"), READ],
  "one-header.eml": [file("Subject: ", "=?utf-8?q?a?= "), READ],
  "addresses.eml": [() => `Subject: x\nTo: ${"a:".repeat(60_000)}\n\nx`, READ],
  "parameters.eml": [
    () =>
      `Subject: x\nContent-Type: text/plain${Array.from({ length: 15_000 }, (_, n) => `;a*${n}*=%41`).join("")}\n\nx`,
    READ,
  ],
  "id.eml": [() => `Subject: x\nMessage-ID: <${"@".repeat(200_000)}\n\nx`, READ],
  "flowed.eml": [file("Content-Type: text/plain; format=flowed; delsp=yes\nSubject: x\n\n", " \n"), READ],
  "archive.eml": [
    file(
      multipart("a"),
      `--a\nContent-Type: application/zip; name="42.zip"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="42.zip"\n\n${"UEsDBBQA".repeat(9)}\n`,
      "--a--\n",
    ),
    READ,
  ],
  "one-archive.eml": [
    file(
      `${multipart("a")}--a\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n`,
      "UEsDBBQA",
    ),
    READ,
  ],
  "html.eml": [file("Content-Type: text/html\nSubject: x\n\n", "<b></i>"), READ],
  "lines.mbox": [file(POSTMARK, "\n"), /left out a message/],
  "mails.mbox": [file("", `${POSTMARK}\n`), /left out a message/],
  "large-mails.mbox": [
    () =>
      Array(4)
        .fill(
          filled(`${POSTMARK}${multipart("a")}`, "--a\nContent-Type: text/html\n\n<\n", "\n", FILE_BYTES / 4),
        )
        .join(""),
    READ,
  ],
  "postmarks.mbox": [file(POSTMARK, `\nFrom ${"1:11 ".repeat(58)}\n`), READ],
  "postmark-spaces.mbox": [file(POSTMARK, `\nFrom a${" ".repeat(280)}\n`), READ],
  "quotes.mbox": [file(POSTMARK, ">From \n"), /left out a message/],
  "lines.txt": [file("x\n", "\n", "y"), READ],
  "front-matter.md": [file("---\n", "---", "x"), READ],
};
