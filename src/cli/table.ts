/** Rows under a heading: aligned for a terminal, separated by tabs for a program. */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  terminal: boolean,
): string {
  const lines = [heading, ...rows]
  if (!terminal) return lines.map((cells) => `${cells.join('\t')}\n`).join('')
  const widths = heading.map((_, at) => Math.max(...lines.map((cells) => displayWidth(cells[at] ?? ''))))
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, at) => padded(cell, widths[at]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(width - displayWidth(cell))
}

/** Chinese, Japanese and Korean characters and emoji take two columns. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

const graphemes = new Intl.Segmenter()
const WIDE =
  /^(?:\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60])/u
