/**
 * Keys, four bytes at a time. A view is made where the bytes are others than
 * before, which is once a window: keys of one window lie in one array.
 */
const NOTHING: Uint8Array = new Uint8Array(0)

export class WindowWords {
  #bytes = NOTHING
  #view: DataView = new DataView(NOTHING.buffer)

  of(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    return this.#view
  }
}
