import type {CommandFamily} from '../command.js'

export const streamCommands: CommandFamily = {}
