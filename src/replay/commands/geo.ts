import type {CommandFamily} from '../command.js'

export const geoCommands: CommandFamily = {}
