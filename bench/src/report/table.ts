import { isMet, type Row } from './row.ts'

/** The rows for people: aligned, and what missed its target says so. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.scenario,
    row.what,
    number(row.value),
    row.unit,
    row.runs > 1 ? `${number(row.min)} … ${number(row.max)} of ${row.runs}` : '',
    [verdict(row), note(row)].filter((words) => words !== '').join('; '),
  ])
  const head = ['scenario', 'what', 'median', 'unit', 'range', 'target; more']
  const lines = [head, ...cells]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => pad(cell, widths[column] ?? 0, column))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function pad(cell: string, width: number, column: number): string {
  return column === 2 ? cell.padStart(width) : cell.padEnd(width)
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}

function verdict({ value, target }: Row): string {
  if (target === undefined) return ''
  const sign = target.is === 'at least' ? '>=' : '<='
  return `${isMet(value, target) ? 'met' : 'MISSED'} (${sign} ${target.bound})`
}

function note({ note = {} }: Row): string {
  return Object.entries(note)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(', ')
}
