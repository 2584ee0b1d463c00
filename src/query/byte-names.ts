/** The bytes of names that come again and again: types, encodings. */
export class ByteNames {
  readonly #known = new Map<string, Uint8Array>()
  #last = ''
  #bytes = new Uint8Array(0)

  of(name: string): Uint8Array {
    if (name === this.#last) return this.#bytes
    let bytes = this.#known.get(name)
    if (bytes === undefined) {
      bytes = new Uint8Array(Buffer.from(name))
      this.#known.set(name, bytes)
    }
    this.#last = name
    this.#bytes = bytes as Uint8Array<ArrayBuffer>
    return bytes
  }
}
