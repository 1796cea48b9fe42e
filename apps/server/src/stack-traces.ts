import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'

/** `at name (file:///…/server.js:12:34)` */
const frame = /(file:\/\/[^\s()]+):(\d+):(\d+)/g

/**
 * A stack with the lines that were written instead of those that were built, where a source map lies beside the file. Node's own `--enable-source-maps` would read the maps at each start.
 */
export function writtenStack(stack: string): string {
  const maps = new Map<string, SourceMap | null>()
  return stack.replace(frame, (built: string, url: string, line: string, column: string) => {
    const map = maps.get(url) ?? mapOf(url)
    maps.set(url, map)
    const entry = map?.findEntry(Number(line) - 1, Number(column) - 1)
    if (entry === undefined || !('originalSource' in entry)) return built
    const source = new URL(entry.originalSource, url).href
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  })
}

/** Null if there is none. */
function mapOf(url: string): SourceMap | null {
  try {
    const map: unknown = JSON.parse(readFileSync(fileURLToPath(`${url}.map`), 'utf8'))
    return isSourceMap(map) ? new SourceMap(map) : null
  } catch {
    return null
  }
}

function isSourceMap(value: unknown): value is SourceMapPayload {
  return typeof value === 'object' && value !== null && 'mappings' in value
}
