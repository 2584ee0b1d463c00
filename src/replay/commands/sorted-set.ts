import type {CommandFamily} from '../command.js'

export const sortedSetCommands: CommandFamily = {}
