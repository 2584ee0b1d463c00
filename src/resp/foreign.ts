/**
 * Who else may listen on a port: told by the first bytes that it says.
 */
import {WireError, type WireStage} from '../errors.js'

/** Other protocols, by the first bytes that were heard; undefined for what may be a server's. */
function foreignProtocol(head: Uint8Array): string | undefined {
  if (head.length > 1 && head[0] === 0x15 && head[1] === 0x03) return 'TLS'
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 64)).toString('latin1')
  if (/^(HTTP\/|<!DOCTYPE|<html)/i.test(text)) return 'HTTP'
  if (text.startsWith('SSH-')) return 'SSH'
  if (/^220[ -]/.test(text)) return 'SMTP or FTP'
  // A packet of 3 bytes of length and a sequence number of 0, then protocol version 10.
  if (head.length > 4 && head[3] === 0 && head[4] === 0x0a) return 'MySQL'
  return undefined
}

/** What is wrong with the server that said `head`; undefined where it may be one of ours. */
export function foreignServer(address: string, head: Uint8Array, stage: WireStage): WireError | undefined {
  const protocol = foreignProtocol(head)
  if (protocol === undefined) return undefined
  if (protocol === 'TLS') {
    const text = `${address} expects TLS on this port`
    return new WireError('TLS_FAILED', text, address, {stage, reason: 'WANTS_TLS'})
  }
  const text = `${address} is no Redis or Valkey server: it speaks ${protocol}`
  return new WireError('NOT_A_SERVER', text, address, {stage, reason: protocol})
}
