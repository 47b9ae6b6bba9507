/** Files with labels and attributes, of which a change may be made to fail. */

import type { Labelled, LabelledFiles } from "../../src/libvirt/security/file-labels.ts";

interface File {
  readonly label: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: Uint8Array;
}

export class FilesInMemory implements LabelledFiles {
  readonly #files = new Map<string, File>();
  /** As many changes succeed, and one fails; null when none does. */
  failIn: number | null = null;

  create(path: string, label: string, content: Uint8Array = new Uint8Array()): void {
    this.#files.set(path, { label, attributes: {}, content });
  }

  write(path: string, content: Uint8Array): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#files.set(path, { ...file, content });
  }

  read(path: string): Uint8Array | null {
    return this.#files.get(path)?.content ?? null;
  }

  /** Labels and attributes of all. */
  seen(): Readonly<Record<string, readonly [string, File["attributes"]]>> {
    return Object.fromEntries(
      [...this.#files].map(([path, { label, attributes }]) => [path, [label, attributes]]),
    );
  }

  label(path: string): Labelled {
    const file = this.#files.get(path);
    return file === undefined ? { error: "ENOENT" } : { label: file.label };
  }

  setLabel(path: string, label: string): string | null {
    return this.#change(path, (file) => ({ ...file, label }));
  }

  attribute(path: string, name: string): string | null {
    return this.#files.get(path)?.attributes[name] ?? null;
  }

  setAttribute(path: string, name: string, value: string | null): string | null {
    return this.#change(path, (file) => {
      const { [name]: _, ...others } = file.attributes;
      return { ...file, attributes: value === null ? others : { ...others, [name]: value } };
    });
  }

  defaultLabel(): string | null {
    return null;
  }

  #change(path: string, how: (file: File) => File): string | null {
    const file = this.#files.get(path);
    if (file === undefined) return "ENOENT";
    if (this.failIn === 0) {
      this.failIn = null;
      return "EPERM";
    }
    if (this.failIn !== null) this.failIn -= 1;
    this.#files.set(path, how(file));
    return null;
  }
}
