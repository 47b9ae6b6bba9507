/** The files that a run writes beside its output: a recording and a trace. */

import path from "node:path";
import { type ImageAtHand, InputError, type World } from "../api/index.ts";
import { type FileInMaking, recordToFile, traceToFile } from "../api/node.ts";

interface OutputOptions {
  readonly record?: string;
  readonly trace?: string;
}

/** Opens all of them or none. Throws InputError, also when both are one file. */
export function openFiles(
  world: World,
  { record, trace }: OutputOptions,
  images: readonly ImageAtHand[],
): readonly FileInMaking[] {
  if (record !== undefined && trace !== undefined && path.resolve(record) === path.resolve(trace)) {
    throw new InputError(`${record}: named as recording and as trace`);
  }
  const files: FileInMaking[] = [];
  try {
    if (record !== undefined) files.push(recordToFile(world, record, images));
    if (trace !== undefined) files.push(traceToFile(world, trace));
  } catch (error) {
    for (const file of files) file.abandon();
    throw error;
  }
  return files;
}
