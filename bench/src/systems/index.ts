import { ceilingStream, ceilingUnary } from './ceiling.ts'
import { chatClient, chatStream, chatUnary } from './chat.ts'
import { echo, ownEcho } from './echo.ts'
import type { System } from './system.ts'

/** In the order of the report. */
export const systems: readonly System[] = [
  echo,
  ownEcho,
  ceilingUnary,
  ceilingStream,
  chatUnary,
  chatStream,
  chatClient,
]
