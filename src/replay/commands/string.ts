import type {CommandFamily} from '../command.js'

export const stringCommands: CommandFamily = {}
