/** What a line says of the type of its key. */
export const ascii = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

/** Of a string nothing else: how it is stored is nobody's business. */
export const STRING_TYPE = ascii(',"type":"string"')

export function typeHead(type: string, encoding: string): Uint8Array {
  return ascii(`,"type":"${type}"${encoding === '' ? '' : `,"encoding":"${encoding}"`}`)
}
