/** Scripts. Since redis 5.0 a log has what they did, before it has the scripts themselves. */
import {type CommandFamily, keyless, UnreplayableError} from '../command.js'

const script = (): never => {
  const text = 'what a script does is known only by running it, and servers before redis 5.0 log scripts'
  throw new UnreplayableError(`${text}: load the log into such a server, and take its snapshot`)
}

export const scriptCommands: CommandFamily = {
  EVAL: keyless(-3, script),
  EVALSHA: keyless(-3, script),
  // LOAD, FLUSH: what is only kept to be run.
  SCRIPT: keyless(-2, () => {}),
}
