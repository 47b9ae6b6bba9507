/** Recordings of the toy world, as bytes and as read back. */

import type { Blueprint } from "../../src/sim/blueprint.ts";
import { type Recording, RecordingReader, RecordingWriter } from "../../src/sim/recording.ts";
import { tokens } from "../../src/sim/toy/tokens.ts";
import {
  createTokens,
  type Move,
  type PlannedInput,
  runWithInputs,
  type TokensSetup,
  using,
  walk,
} from "./worlds.ts";

/** The toy world, as those take it who know no configuration. */
export const blueprint: Blueprint = tokens;

export function record(
  setup: TokensSetup,
  inputs: readonly PlannedInput[],
  end: number,
  moves: readonly Move[] = [],
): Uint8Array {
  return using(createTokens(setup), (world) => {
    let text = "";
    const writer = new RecordingWriter(world, [], (piece) => {
      text += piece;
    });
    world.observe(writer);
    if (moves.length > 0) {
      world.keepTimeline({ everyCycles: 2000, maxSnapshots: 8, maxBytes: 1 << 30 });
    }
    runWithInputs(world, inputs, end);
    walk(world, moves);
    writer.close(world);
    return new TextEncoder().encode(text);
  });
}

export function read(bytes: Uint8Array, pieceBytes = bytes.length): Recording {
  const reader = new RecordingReader("r");
  // Whoever reads a file uses one piece of memory again and again.
  const piece = new Uint8Array(pieceBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const some = bytes.subarray(at, at + pieceBytes);
    piece.fill(0);
    piece.set(some);
    reader.push(piece.subarray(0, some.length));
  }
  piece.fill(0);
  return reader.finish();
}
