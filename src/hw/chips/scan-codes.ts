/**
 * Scan codes of a keyboard's set 2 as set 1 has them: the translation that a PC's keyboard controller does. IBM manual:
 * Personal System/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller"; data sheets of
 * 8042s have the same table.
 */

/** By the code of set 2, from 00h to 7Fh. */
const SET_1 =
  "ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59 65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b " +
  "67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d 69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f " +
  "6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61 6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76 " +
  "55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f 52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54";

const TABLE: readonly number[] = SET_1.split(" ").map((code) => Number.parseInt(code, 16));

/** Codes from 80h on pass as they are, but for two. */
export function translated(code: number): number {
  if (code === 0x83) return 0x41;
  if (code === 0x84) return 0x54;
  return TABLE[code] ?? code;
}

/** In set 2, what precedes the code of a key that is let go; in set 1 that is bit 7. */
export const BREAK = 0xf0;
