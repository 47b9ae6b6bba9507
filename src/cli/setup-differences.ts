/** In which fields the set-ups of two recorded runs differ. */

import type { Json, RecordingHeader } from "../api/index.ts";

export interface SetupDifference {
  /** As `seed`, `config.cpus`, `image program`. */
  readonly field: string;
  readonly left: Json | undefined;
  readonly right: Json | undefined;
}

export function setupDifferences(
  left: RecordingHeader,
  right: RecordingHeader,
): readonly SetupDifference[] {
  const [a, b] = [fieldsOf(left), fieldsOf(right)];
  const names = [...new Set([...a.keys(), ...b.keys()])];
  return names
    .map((field) => ({ field, left: a.get(field), right: b.get(field) }))
    .filter((pair) => JSON.stringify(pair.left) !== JSON.stringify(pair.right));
}

function fieldsOf({ world, setup, images }: RecordingHeader): Map<string, Json> {
  const { config, ...rest } = setup;
  const fields = new Map<string, Json>([["world.version", world.version]]);
  for (const [name, value] of entriesOf(config)) fields.set(name, value);
  for (const [name, value] of Object.entries(rest)) fields.set(name, value as Json);
  for (const { name, sha256 } of images) fields.set(`image ${name}`, sha256);
  return fields;
}

function entriesOf(config: Json): (readonly [string, Json])[] {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    return [["config", config]];
  }
  return Object.entries(config as Record<string, Json>).map(([key, value]) => [
    `config.${key}`,
    value,
  ]);
}
