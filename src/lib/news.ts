/** Something that was told and is taken once, by whoever asks next. */
export function createNews(): { tell(): void; taken(): boolean } {
  let isNew = false;
  return {
    tell() {
      isNew = true;
    },
    taken() {
      const was = isNew;
      isNew = false;
      return was;
    },
  };
}
