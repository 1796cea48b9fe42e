import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Point {
  readonly x: number
  readonly y: number
}

export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  /** Both axes. */
  readonly logarithmic: boolean
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[]
  /** Points without a line between them. */
  readonly scattered?: boolean
}

const width = 720
const height = 440
const margin = { left: 70, right: 150, top: 40, bottom: 50 }
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom }
// Okabe and Ito's, which people who see few colours can tell apart.
const colours = ['#000000', '#e69f00', '#56b4e9', '#009e73', '#d55e00', '#cc79a7']
const ticks = 5

/** Writes `<name>.svg`. */
export function writePlot(directory: string, name: string, plot: Plot): void {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, `${name}.svg`), drawing(plot))
}

function drawing(plot: Plot): string {
  const points = plot.lines.flatMap((line) => line.points)
  const x = scale(
    points.map((point) => point.x),
    plot.logarithmic,
  )
  const y = scale(
    plot.logarithmic ? points.map((point) => point.y) : [0, ...points.map((point) => point.y)],
    plot.logarithmic,
  )
  const place = (point: Point): Point => ({
    x: margin.left + x.part(point.x) * inner.width,
    y: margin.top + (1 - y.part(point.y)) * inner.height,
  })
  const bottom = margin.top + inner.height
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(margin.left, 22, plot.title, 'font-size="15"'),
    `<path d="M${margin.left} ${margin.top}V${bottom}H${margin.left + inner.width}" fill="none" stroke="#444"/>`,
    text(margin.left + inner.width / 2, height - 12, plot.x, 'text-anchor="middle"'),
    text(8, margin.top - 8, plot.y),
    ...x.ticks.map((at) =>
      text(margin.left + x.part(at) * inner.width, bottom + 18, label(at), 'text-anchor="middle"'),
    ),
    ...y.ticks.flatMap((at) => {
      const level = fixed(margin.top + (1 - y.part(at)) * inner.height)
      return [
        `<path d="M${margin.left} ${level}h${inner.width}" stroke="#ddd"/>`,
        text(margin.left - 8, level + 4, label(at), 'text-anchor="end"'),
      ]
    }),
    ...plot.lines.flatMap((line, index) => {
      const colour = colours[index % colours.length] ?? '#000'
      const placed = line.points.map(place)
      const path = placed.map((point, n) => `${n === 0 ? 'M' : 'L'}${fixed(point.x)} ${fixed(point.y)}`)
      return [
        ...(plot.scattered
          ? []
          : [`<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="2"/>`]),
        ...placed.map(
          (point) => `<circle cx="${fixed(point.x)}" cy="${fixed(point.y)}" r="2.5" fill="${colour}"/>`,
        ),
        text(width - margin.right + 12, margin.top + 16 + 18 * index, line.name, `fill="${colour}"`),
      ]
    }),
    '</svg>\n',
  ].join('\n')
}

interface Scale {
  /** 0 at the smallest value, 1 at the greatest. */
  part(value: number): number
  readonly ticks: readonly number[]
}

function scale(values: readonly number[], logarithmic: boolean): Scale {
  const to = logarithmic ? Math.log10 : (value: number): number => value
  const back = logarithmic ? (value: number): number => 10 ** value : (value: number): number => value
  const finite = values.map(to).filter(Number.isFinite)
  const low = Math.min(...finite)
  const span = Math.max(...finite) - low || 1
  return {
    part: (value) => (to(value) - low) / span,
    ticks: Array.from({ length: ticks }, (_, n) => back(low + (span * n) / (ticks - 1))),
  }
}

function text(x: number, y: number, words: string, attributes = ''): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${safe}</text>`
}

function label(value: number): string {
  return Math.abs(value) >= 1_000 ? `${(value / 1_000).toFixed(1)}k` : value.toFixed(value < 10 ? 1 : 0)
}

function fixed(value: number): number {
  return Number(value.toFixed(1))
}
