/**
 * Words of 32 bits that are moved or compared by lists: emitted code with an access for each. A loop over a list takes
 * ten times as long, and entering and leaving a guest is little else.
 */

import { encodeModule, FunctionBody, I32 } from "./engine/wasm.ts";

/** Where a word is and where it goes: bytes from two addresses in linear memory. */
export type WordPair = readonly [from: number, to: number];
/** Words that are compared, and which of their bits count. */
export type MaskedPair = readonly [one: number, other: number, mask: number];

/** A register of 8 bytes, or more. */
export const pairsOf = (from: number, to: number, bytes: number): readonly WordPair[] =>
  Array.from({ length: bytes / 4 }, (_, i) => [from + 4 * i, to + 4 * i] as const);

export const backwards = (pairs: readonly WordPair[]): readonly WordPair[] =>
  pairs.map(([from, to]) => [to, from] as const);

/** Lists of words by the names of what becomes of them. */
interface Text<Move extends string, Difference extends string> {
  readonly moves: Readonly<Record<Move, readonly WordPair[]>>;
  readonly differences: Readonly<Record<Difference, readonly MaskedPair[]>>;
}

export type WordCode<Move extends string, Difference extends string> = Readonly<
  Record<Move, (from: number, to: number) => void> &
    /** 0 where no bit that counts differs. */
    Record<Difference, (one: number, other: number) => number>
>;

const TYPES = [
  { parameters: [I32, I32], results: [] },
  { parameters: [I32, I32], results: [I32] },
] as const;
const [MOVE, DIFFERENCE] = [0, 1];

/** What makes the functions over a memory. Lists belong to a module of ours, so their code is compiled once a process. */
export function wordCode<Move extends string, Difference extends string>(
  text: Text<Move, Difference>,
): (wasm: WebAssembly.Memory) => WordCode<Move, Difference> {
  let module: WebAssembly.Module | null = null;
  return (wasm) => {
    module ??= compile(text);
    const table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
    const { exports } = new WebAssembly.Instance(module, { e: { m: wasm, t: table } });
    return { ...exports } as WordCode<Move, Difference>;
  };
}

/** A word, in bytes from an address in linear memory, and which of its bits count. */
export type MaskedWord = readonly [offset: number, mask: number];

/** Words that are looked at for changes since they were remembered, at an offset behind which nothing else is kept. */
export const rememberedWords = (
  looked: readonly MaskedWord[],
  at: number,
): ReturnType<typeof wordCode<"remember", "changed">> =>
  wordCode({
    moves: { remember: looked.map(([offset], i) => [offset, at + 4 * i] as const) },
    differences: {
      changed: looked.map(([offset, mask], i) => [offset, at + 4 * i, mask] as const),
    },
  });

function compile({ moves, differences }: Text<string, string>): WebAssembly.Module {
  const functions = [
    ...Object.entries(moves).map(([name, pairs]) => ({ name, type: MOVE, body: move(pairs) })),
    ...Object.entries(differences).map(([name, pairs]) => ({
      name,
      type: DIFFERENCE,
      body: difference(pairs),
    })),
  ];
  return new WebAssembly.Module(encodeModule({ types: TYPES, imports: [], functions }));
}

const [FIRST, SECOND] = [0, 1];

function move(pairs: readonly WordPair[]): FunctionBody {
  const body = new FunctionBody(2);
  for (const [from, to] of pairs)
    body.get(SECOND).get(FIRST).memory("i32.load", from).memory("i32.store", to);
  return body;
}

function difference(pairs: readonly MaskedPair[]): FunctionBody {
  const body = new FunctionBody(2).i32(0);
  for (const [one, other, mask] of pairs) {
    body.get(FIRST).memory("i32.load", one).get(SECOND).memory("i32.load", other).op("i32.xor");
    body.i32(mask).op("i32.and", "i32.or");
  }
  return body;
}
