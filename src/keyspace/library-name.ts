/** What a function library is called: `#!lua name=NAME` begins every one. */
export function libraryName(source: Uint8Array): string {
  const line = Buffer.from(source.subarray(0, 1024)).toString('latin1').split('\n')[0]!
  return /\bname=(\S+)/.exec(line)?.[1] ?? line
}
