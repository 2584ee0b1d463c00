import type {CommandFamily} from '../command.js'

export const hashCommands: CommandFamily = {}
