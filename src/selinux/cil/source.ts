/** A text with a name, and places in it. */

import { InputError } from "../../sim/assert.ts";

/** Where something begins: an offset in the text. */
export interface Place {
  readonly at: number;
}

export class Source {
  readonly name: string;
  readonly text: string;

  constructor(text: string, name: string) {
    this.text = text;
    this.name = name;
  }

  /** `name:line:column`, both from 1. */
  placeOf({ at }: Place): string {
    const before = this.text.slice(0, at);
    const line = before.split("\n").length;
    return `${this.name}:${line}:${at - before.lastIndexOf("\n")}`;
  }

  fail(place: Place, message: string): never {
    throw new InputError(`${this.placeOf(place)}: ${message}`);
  }
}
