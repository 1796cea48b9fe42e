import { fileURLToPath } from 'node:url'

/** How to start a program: with Node's own flags in front. */
export interface ChildCommand {
  readonly executable: string
  readonly arguments: readonly string[]
}

/**
 * How to start a sibling of this program the way this one was started: from its TypeScript source with the same loader, or from what was
 * built. A debugger's port is not handed on: only one process can have it.
 */
export function siblingCommand(
  moduleUrl: string,
  sibling: string,
  executable: string = process.execPath,
  execArgv: readonly string[] = process.execArgv,
): ChildCommand {
  const extension = moduleUrl.endsWith('.ts') ? 'ts' : 'js'
  const file = fileURLToPath(new URL(`${sibling}.${extension}`, moduleUrl))
  return { executable, arguments: [...execArgv.filter((flag) => !flag.startsWith('--inspect')), file] }
}
