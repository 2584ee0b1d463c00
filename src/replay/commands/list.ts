import type {CommandFamily} from '../command.js'

export const listCommands: CommandFamily = {}
