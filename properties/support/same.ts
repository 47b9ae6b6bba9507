/** Two values that are to be alike, told with what differs. */

export function same(got: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(got, ordered), JSON.stringify(expected, ordered)];
  if (a !== b) throw new Error(`${a} instead of ${b}`);
}

/** Fields by name, whatever order they were made in; maps as lists. */
function ordered(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...value].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
