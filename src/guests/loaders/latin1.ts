/** Text as loaders hand it over. */

/** One byte a character; what has no byte becomes a question mark. */
export const latin1 = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? code : 0x3f;
  });
