/**
 * The executable as a few files: loading the command line framework from its
 * hundreds of modules costs more time than inspecting a megabyte.
 * Each command stays a file of its own, loaded when it is called; so does what a thread runs.
 */
import {readdirSync} from 'node:fs'
import {defineConfig} from 'rolldown'

const entries = ['commands', 'threads'].flatMap(folder =>
  readdirSync(new URL(`../dist/${folder}/`, import.meta.url))
    .filter(file => file.endsWith('.js'))
    .map(file => [`${folder}/${file.slice(0, -3)}`, `dist/${folder}/${file}`]),
)

export default defineConfig({
  input: {main: 'dist/cli/main.js', ...Object.fromEntries(entries)},
  platform: 'node',
  // Installed by whoever wants SQL.
  external: [/^@duckdb\//],
  output: {
    dir: 'dist/bundle',
    format: 'esm',
    chunkFileNames: 'shared/[name]-[hash].js',
    // Names stay, so that a stack trace can be read; comments and blanks cost start-up.
    minify: {compress: false, mangle: false, codegen: {removeWhitespace: true}},
  },
})
