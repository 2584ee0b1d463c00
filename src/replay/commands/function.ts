import type {CommandFamily} from '../command.js'

export const functionCommands: CommandFamily = {}
