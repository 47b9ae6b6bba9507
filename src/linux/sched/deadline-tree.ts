/**
 * Entities ordered by deadline; each knows the least vruntime and the least slice of what is below it, as in
 * kernel/sched/fair.c of Linux, min_vruntime_update. Balanced as a treap (Seidel, Aragon, "Randomized Search Trees",
 * 1996) by ranks that depend on numbers only: its form depends on what is in it and on nothing else.
 */

import { assert } from "../../sim/assert.ts";
import type { CfsRq, Entity } from "./entity.ts";

export const isBefore = (a: Entity, b: Entity): boolean =>
  a.deadline === b.deadline ? a.id < b.id : a.deadline < b.deadline;

const isAbove = (a: Entity, b: Entity): boolean =>
  a.rank === b.rank ? a.id < b.id : a.rank > b.rank;

function refresh(node: Entity): void {
  const { left, right } = node;
  let { vruntime, slice } = node;
  if (left !== null) {
    if (left.leastVruntime < vruntime) vruntime = left.leastVruntime;
    if (left.leastSlice < slice) slice = left.leastSlice;
  }
  if (right !== null) {
    if (right.leastVruntime < vruntime) vruntime = right.leastVruntime;
    if (right.leastSlice < slice) slice = right.leastSlice;
  }
  node.leastVruntime = vruntime;
  node.leastSlice = slice;
}

export function insert(queue: CfsRq, added: Entity): void {
  queue.root = insertBelow(queue.root, added);
}

function insertBelow(node: Entity | null, added: Entity): Entity {
  if (node === null || isAbove(added, node)) {
    split(node, added);
    refresh(added);
    return added;
  }
  if (isBefore(added, node)) node.left = insertBelow(node.left, added);
  else node.right = insertBelow(node.right, added);
  if (added.vruntime < node.leastVruntime) node.leastVruntime = added.vruntime;
  if (added.slice < node.leastSlice) node.leastSlice = added.slice;
  return node;
}

/** What comes before `at` becomes its left, the rest its right. */
function split(node: Entity | null, at: Entity): void {
  if (node === null) {
    at.left = null;
    at.right = null;
  } else if (isBefore(node, at)) {
    split(node.right, at);
    node.right = at.left;
    at.left = node;
    refresh(node);
  } else {
    split(node.left, at);
    node.left = at.right;
    at.right = node;
    refresh(node);
  }
}

export function remove(queue: CfsRq, removed: Entity): void {
  queue.root = removeBelow(queue.root, removed);
  removed.left = null;
  removed.right = null;
}

function removeBelow(node: Entity | null, removed: Entity): Entity | null {
  assert(node !== null, "what is removed is in the tree");
  if (node === removed) return join(node.left, node.right);
  if (isBefore(removed, node)) node.left = removeBelow(node.left, removed);
  else node.right = removeBelow(node.right, removed);
  refresh(node);
  return node;
}

function join(left: Entity | null, right: Entity | null): Entity | null {
  if (left === null) return right;
  if (right === null) return left;
  if (isAbove(left, right)) {
    left.right = join(left.right, right);
    refresh(left);
    return left;
  }
  right.left = join(left, right.left);
  refresh(right);
  return right;
}

export function first(queue: CfsRq): Entity | null {
  let node = queue.root;
  while (node !== null && node.left !== null) node = node.left;
  return node;
}
