/** What a security module keeps with an object: numbers that only the module understands. Linux, include/linux/lsm_hooks.h, struct lsm_blob_sizes. */

/** Null until a module has given a label. Replaced, never changed. */
export type Blob = Readonly<Record<string, number>> | null;

export interface Labelled {
  security: Blob;
}
