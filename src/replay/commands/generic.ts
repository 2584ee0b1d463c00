import type {CommandFamily} from '../command.js'

export const genericCommands: CommandFamily = {}
