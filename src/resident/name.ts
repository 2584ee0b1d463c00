/** Names of groups, consumers and producers are keys of maps: text of one character a byte, as Call.text has it. */

export function textOf(name: Uint8Array): string {
  return Buffer.prototype.latin1Slice.call(name, 0, name.length)
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
