import type {CommandFamily} from '../command.js'

export const bitmapCommands: CommandFamily = {}
