import type {CommandFamily} from '../command.js'

export const hyperLogLogCommands: CommandFamily = {}
