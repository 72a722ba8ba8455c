import * as v from "valibot";

/** Where a run stopped in a mailbox. */
export interface Position {
  /** UIDVALIDITY: numbers are those of another mailbox where it differs. */
  validity: string;
  lastUid: number;
  /** Mails that the run gave to its job, by number and key: the job may not have found room for all. */
  offered: { uid: number; key: string }[];
}

const uid = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(0xffff_ffff));
const schema = v.object({
  validity: v.string(),
  lastUid: v.union([v.literal(0), uid]),
  offered: v.array(v.tuple([uid, v.string()])),
});

/** Null where nothing was kept, or by another version in another form: then the mailbox is read as at first. */
export function readPosition(kept: string | null): Position | null {
  const read = kept === null ? null : v.safeParse(v.pipe(v.string(), v.parseJson(), schema), kept);
  if (read === null || !read.success) return null;
  const { offered, ...rest } = read.output;
  return { ...rest, offered: offered.map(([each, key]) => ({ uid: each, key })) };
}

/** As `JobContext.keep` takes it: a thousand mails have 45 KB. */
export function writePosition({ offered, ...rest }: Position): string {
  return JSON.stringify({ ...rest, offered: offered.map(({ uid: each, key }) => [each, key]) });
}
