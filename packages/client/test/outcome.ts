import { ChatError } from '../src/index.ts'

/** How a promise ends: 'no error', the code of a ChatError, or the words of anything else. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no error'
  } catch (error) {
    if (error instanceof ChatError) return error.code
    return error instanceof Error ? error.message : 'something that is no error'
  }
}
