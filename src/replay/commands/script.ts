import type {CommandFamily} from '../command.js'

export const scriptCommands: CommandFamily = {}
