// `node scripts/limits.mjs [--write]`: LIMITS.md from the interfaces and defaults in the sources, so that it cannot disagree with them.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** @type {readonly { title: string, file: string, scope: string }[]} */
const sources = [
  {
    title: 'The chat',
    file: 'packages/state-machine/src/limits.ts',
    scope: 'Replicated: all replicas of a cluster have the same.',
  },
  { title: 'The service on one replica', file: 'packages/chat-service/src/limits.ts', scope: 'Per replica.' },
  { title: 'A replica', file: 'packages/replica/src/core/limits.ts', scope: 'Per replica.' },
  { title: 'Traces', file: 'packages/tracing/src/limits.ts', scope: 'Per process, with `--traces`.' },
  { title: 'Links between replicas', file: 'packages/transport-grpc/src/limits.ts', scope: 'Per link.' },
]

/** @returns {string} the document as the sources have it */
export function limitsDocument() {
  const parts = sources.map(({ title, file, scope }) => {
    const text = readFileSync(resolve(root, file), 'utf8')
    const defaults = defaultsIn(text)
    const rows = fieldsIn(text).map(
      ({ name, words }) => `| \`${name}\` | ${defaults.get(name) ?? '?'} | ${words} |`,
    )
    if (rows.length === 0 || rows.some((row) => row.includes('| ? |'))) {
      throw new Error(`${file}: a limit has no default, or none was found`)
    }
    return `## ${title}\n${scope} From \`${file}\`.\n\n| limit | default | what it bounds |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return `# Limits\nEvery bound, with its default. Made by \`node scripts/limits.mjs --write\`; a test compares it with the sources.\n\n${parts.join('\n')}`
}

/**
 * @param {string} text
 * @returns {{ name: string, words: string }[]} fields of the first interface, in their order; one without a comment has its name for words
 */
function fieldsIn(text) {
  const body =
    /export interface \w+Limits \{\n(?<body>[\s\S]*?)\n\}|export interface Limits \{\n(?<own>[\s\S]*?)\n\}/.exec(
      text,
    )
  const lines = (body?.groups?.['body'] ?? body?.groups?.['own'] ?? '').split('\n')
  const fields = []
  let comment = ''
  for (const line of lines) {
    const field = /^ {2}readonly (?<name>\w+): number$/.exec(line)?.groups?.['name']
    if (field === undefined) {
      comment += ` ${line
        .replace(/^\s*(?:\/\*\*|\*\/|\*)?/, '')
        .replace(/\*\/\s*$/, '')
        .trim()}`
    } else {
      fields.push({ name: field, words: comment.replace(/\s+/g, ' ').trim() || 'how many there may be.' })
      comment = ''
    }
  }
  return fields
}

/**
 * @param {string} text
 * @returns {Map<string, string>} the defaults as written: products of numbers and named units
 */
function defaultsIn(text) {
  const body =
    /export const default\w*[lL]imits: \w+ = \{\n(?<body>[\s\S]*?)\n\}/.exec(text)?.groups?.['body'] ?? ''
  return new Map(
    [...body.matchAll(/^ {2}(?<name>\w+): (?<value>.+),$/gm)].map((match) => [
      match.groups?.['name'] ?? '',
      match.groups?.['value'] ?? '',
    ]),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) writeFileSync(resolve(root, 'LIMITS.md'), limitsDocument())
  else process.stdout.write(limitsDocument())
}
