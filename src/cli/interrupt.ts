/**
 * A signal ends the run with its own code, at once; unless somebody has work that can be brought to an end first. Then it is
 * told, and the same signal a second time ends the run.
 */
import {EXIT_SIGHUP, EXIT_SIGINT, EXIT_SIGTERM} from './exit.js'

const EXITS = {SIGHUP: EXIT_SIGHUP, SIGINT: EXIT_SIGINT, SIGTERM: EXIT_SIGTERM} as const

let ending: (() => void) | undefined

/** To be called once, by the entry point. */
export function watchSignals(): void {
  for (const [signal, exitCode] of Object.entries(EXITS)) {
    process.on(signal, () => {
      const end = ending
      ending = undefined
      if (end === undefined) process.exit(exitCode)
      process.exitCode = exitCode
      end()
    })
  }
}

/** From now on a signal calls `end` instead, once; undefined: it ends the run again. */
export function onInterrupt(end: (() => void) | undefined): void {
  ending = end
}
