/** Invariants that stay on in every build. A failed one is a mistake of ours, never of a guest or a user. */

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws when `condition` is false. `why` says why it must hold. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new AssertionError(why);
}

/** For the default branch of a switch over a closed union. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}

/** What the user gave cannot be used: one clear line that names the place and what was expected. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** A replay cannot go on as its recording says: the program or the machine is not the one that recorded it. */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}
