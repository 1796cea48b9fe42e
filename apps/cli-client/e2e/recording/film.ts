import type { Run, Screen } from '../pseudo-terminal.ts'

/** One picture of a recording. */
export interface Frame {
  /** Since the beginning, milliseconds. */
  readonly atMs: number
  readonly screen: Screen
  /** What happens outside of the terminal. */
  readonly caption: string
}

export interface FilmOptions {
  readonly columns: number
  readonly rows: number
  /** For those who cannot see it. */
  readonly title: string
}

const cell = { width: 8.4, height: 18 } as const
const margin = 14
const bar = 34
/** How long the last picture stays before it begins again, milliseconds. */
const lastsMs = 4_000

const usual = '#d4d8dd'
/** The first sixteen colours of the palette. */
const palette = [
  ...['#3b4252', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#abb2bf'],
  ...['#5c6370', '#ff7a85', '#b5e08f', '#ffd58a', '#82c4ff', '#dc9bf0', '#74d3de', '#ffffff'],
]

/** An SVG that plays the frames, over and over. No script: style sheets move a strip of pictures behind a window. */
export function film(frames: readonly Frame[], { columns, rows, title }: FilmOptions): string {
  const [width, height] = [columns * cell.width, rows * cell.height]
  const pictureHeight = height + bar
  const totalMs = (frames.at(-1)?.atMs ?? 0) + lastsMs
  const definitions = new Map<string, number>()
  const pictures = frames.map((frame, at) => picture(frame, at * pictureHeight, definitions))
  const stops = frames.map(({ atMs }, at) => {
    return `${((atMs / totalMs) * 100).toFixed(3)}%{transform:translateY(${-at * pictureHeight}px)}`
  })
  const ends = `100%{transform:translateY(${-(frames.length - 1) * pictureHeight}px)}`
  const outer = { width: width + 2 * margin, height: pictureHeight + 2 * margin }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${outer.width} ${outer.height}" width="${outer.width}" role="img" xml:space="preserve">`,
    `<title>${escaped(title)}</title>`,
    `<style>text{font:14px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${usual};white-space:pre}`,
    `.strip{animation:play ${totalMs}ms steps(1,end) infinite}@keyframes play{${stops.join('')}${ends}}</style>`,
    `<rect width="100%" height="100%" rx="8" fill="#1e2227"/>`,
    `<defs>${[...definitions].map(([row, id]) => `<g id="r${id}">${row}</g>`).join('\n')}</defs>`,
    `<svg x="${margin}" y="${margin}" width="${width}" height="${pictureHeight}"><g class="strip">`,
    ...pictures,
    '</g></svg></svg>',
    '',
  ].join('\n')
}

function picture({ screen, caption }: Frame, top: number, definitions: Map<string, number>): string {
  const rows = screen.rows.flatMap((runs, at) => {
    const row = runs.map(text).join('')
    if (row === '') return []
    const id = definitions.get(row) ?? definitions.size
    definitions.set(row, id)
    return [`<use href="#r${id}" y="${top + bar + at * cell.height}"/>`]
  })
  const { row, column } = screen.cursor
  const cursor = `<rect x="${round(column * cell.width)}" y="${top + bar + row * cell.height + 2}" width="${cell.width}" height="${cell.height - 2}" fill="${usual}" opacity=".5"/>`
  const words = `<text y="${top + 14}" style="fill:#e5c07b">${escaped(caption)}</text>`
  return [words, ...rows, cursor].join('')
}

function text(run: Run): string {
  const begins = run.text.length - run.text.trimStart().length
  const shown = run.text.trim()
  if (shown === '') return ''
  const width = run.width - (run.text.length - shown.length)
  const styles = [
    run.colour === null ? '' : `fill:${palette[run.colour] ?? usual}`,
    run.bold ? 'font-weight:bold' : '',
    run.dim ? 'opacity:.6' : '',
  ].filter((style) => style !== '')
  const style = styles.length === 0 ? '' : ` style="${styles.join(';')}"`
  // Whatever the font, columns are columns.
  const extent = `x="${round((run.column + begins) * cell.width)}" y="14" textLength="${round(width * cell.width)}"`
  return `<text ${extent} lengthAdjust="spacingAndGlyphs"${style}>${escaped(shown)}</text>`
}

function round(value: number): string {
  return value.toFixed(1).replace(/\.0$/u, '')
}

function escaped(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
