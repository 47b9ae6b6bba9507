/** A security module that notes what it is asked, and refuses one of its answers. */

import {
  HOOK_NAMES,
  HOOKS,
  type HookName,
  type SecurityModule,
} from "../../src/linux/security/security.ts";

export class RecordingModule {
  /** Those that check, in their order. */
  asked: HookName[] = [];
  /** Which of them is refused: its number, or all. */
  refused: number | "all" | null = null;
  readonly hooks: SecurityModule;

  constructor() {
    const hooks = Object.fromEntries(
      HOOK_NAMES.map((name) => [name, () => (HOOKS[name] === "checks" ? this.#ask(name) : null)]),
    ) as unknown as SecurityModule;
    // Two are asked for a context.
    this.hooks = {
      ...hooks,
      getprocattr: () => this.#ask("getprocattr") ?? { value: "a:b:c" },
      socketGetpeersecStream: () => "a:b:c",
    };
  }

  #ask(name: HookName): "EACCES" | null {
    this.asked.push(name);
    const isRefused = this.refused === "all" || this.refused === this.asked.length - 1;
    return isRefused ? "EACCES" : null;
  }
}
