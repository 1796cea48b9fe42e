import { resolve } from 'node:path'
import { ConfigurationError, type Surroundings } from '@chatroom/configuration'

/** A path that was given as an argument, from where the program was called. */
export function within(surroundings: Surroundings, given: string | undefined): string {
  if (given === undefined || given === '') throw new ConfigurationError('invalid value', 'A path is missing.')
  return resolve(surroundings.workingDirectory, given)
}
