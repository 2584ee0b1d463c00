#!/usr/bin/env node
import {readFileSync} from 'node:fs'

const args = process.argv.slice(2)
if (args.length === 1 && ['--version', '-v', 'version'].includes(args[0])) {
  // Answered before anything is loaded: the command line framework costs more than the answer.
  const {name, version} = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
} else {
  const {main} = await import('../dist/bundle/main.js')
  await main(args)
}
